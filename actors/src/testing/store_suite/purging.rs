use std::time::Duration;

use super::{Stores, fixture::*};
use crate::{
    domain::Seat,
    ports::{Denied, NewChat, Proof, Registered},
    testing::eventually,
};

pub async fn an_ended_chat_is_deleted_in_slices(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 25).await;
    end(&stores.here, key).await;
    let mut deleted = 0;
    loop {
        match stores.here.purge(10, LONG).await.unwrap() {
            0 => break,
            rows @ 1..=10 => deleted += rows,
            rows => panic!("a slice is larger than asked: {rows}"),
        }
    }
    assert!(deleted >= 25, "every message went: {deleted}");
    assert_eq!(stores.here.status(key).await.unwrap(), Err(Denied::Ended));
}

pub async fn a_purge_keeps_live_chats_and_their_codes(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    take_seat(&stores.here, key, Seat::Two).await;
    fill(&stores.here, key, 3).await;
    let device = digest();
    let lapses = stores.here.set_device_code(caller(&first), device, LONG);
    live(lapses.await);
    let ask = ask(Seat::Two, LONG);
    live(stores.here.ask(key, ask.clone()).await);
    let reserved = NewChat {
        must_be_reserved: true,
        ..new_chat(super::fixture::key())
    };
    stores.here.reserve(reserved.key, LONG).await.unwrap();

    while stores.there.purge(100, Duration::ZERO).await.unwrap() > 0 {}
    assert_eq!(seqs(&all(&stores.here, key).await), [1, 2, 3]);
    assert!(has_session(&stores.here, &first).await);
    assert!(return_code_works(&stores.here, key, Seat::One, first.return_code).await);
    assert!(is_admitted(&stores.here, key, Seat::One, Proof::DeviceCode(device)).await);
    let open = live(stores.here.load(key).await).asks;
    assert!(open.iter().map(|ask| ask.ask_ref).eq([ask.ask_ref]));
    register(&stores.here, reserved).await;
}

pub async fn a_tombstone_stands_for_its_life(stores: Stores) {
    let key = chat(&stores.here).await;
    end(&stores.here, key).await;
    while stores.here.purge(100, LONG).await.unwrap() > 0 {}
    assert_eq!(stores.there.status(key).await.unwrap(), Err(Denied::Ended));
    let outcome = stores.there.register(new_chat(key)).await.unwrap();
    assert_eq!(outcome, Registered::Taken);

    eventually("an old tombstone goes", || async {
        stores.here.purge(100, Duration::ZERO).await.unwrap();
        stores.there.status(key).await.unwrap() == Err(Denied::Missing)
    })
    .await;
    register(&stores.there, new_chat(key)).await;
}

pub async fn a_tombstone_outlives_every_message(stores: Stores) {
    let key = talk(&stores.here).await;
    let said = fill(&stores.here, key, 5).await;
    end(&stores.here, key).await;
    eventually("an old tombstone goes, slice by slice", || async {
        stores.here.purge(1, Duration::ZERO).await.unwrap();
        stores.here.status(key).await.unwrap() == Err(Denied::Missing)
    })
    .await;
    register(&stores.here, new_chat(key)).await;
    assert_eq!(all(&stores.there, key).await, []);
    take_seat(&stores.here, key, said[0].seat).await;
    assert_eq!(stored(&append(&stores.there, &said[..1]).await[0]), 1);
}

pub async fn two_purges_at_once_do_no_harm(stores: Stores) {
    let living = talk(&stores.here).await;
    fill(&stores.here, living, 10).await;
    for _ in 0..3 {
        let key = talk(&stores.here).await;
        fill(&stores.here, key, 40).await;
        end(&stores.here, key).await;
    }
    race(&stores, 4, |store, _| async move {
        while store.purge(7, LONG).await.unwrap() > 0 {}
    })
    .await;
    assert_eq!(stores.here.purge(100, LONG).await.unwrap(), 0, "all went");
    assert_eq!(all(&stores.here, living).await.len(), 10);
}
