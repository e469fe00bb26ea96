use std::time::Duration;

use super::{Stores, fixture::*};
use crate::{
    domain::Seat,
    ports::{Lookup, NewChat, Principal, Proof, Registered},
    testing::eventually,
};

pub async fn an_ended_chat_is_deleted_in_slices(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 25).await;
    stores.here.end(Principal::Server(key)).await.unwrap();
    let mut slices = Vec::new();
    loop {
        match stores.here.purge(10, LONG).await.unwrap() {
            0 => break,
            rows => slices.push(rows),
        }
    }
    assert!(
        slices.iter().all(|rows| *rows <= 10),
        "no slice is larger than asked: {slices:?}"
    );
    assert!(
        slices.iter().sum::<usize>() >= 25,
        "every message went: {slices:?}"
    );
    assert_eq!(stores.here.status(key).await.unwrap(), Lookup::Ended);
}

pub async fn a_purge_keeps_live_chats_and_their_codes(stores: Stores) {
    let key = chat(&stores.here).await;
    let first = take_seat(&stores.here, key, Seat::One).await;
    take_seat(&stores.here, key, Seat::Two).await;
    fill(&stores.here, key, 3).await;
    let device = digest();
    let lapses = stores.here.set_device_code(caller(&first), device, LONG);
    granted(lapses.await);
    let ask = ask(Seat::Two, LONG);
    stores.here.ask(key, ask.clone()).await.unwrap();
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
    let chat = live(stores.here.load(key).await);
    assert_eq!(
        chat.asks.iter().map(|ask| ask.ask_ref).collect::<Vec<_>>(),
        [ask.ask_ref]
    );
    made(stores.here.register(reserved).await.unwrap());
}

pub async fn a_tombstone_stands_for_its_life(stores: Stores) {
    let key = chat(&stores.here).await;
    stores.here.end(Principal::Server(key)).await.unwrap();
    while stores.here.purge(100, LONG).await.unwrap() > 0 {}
    assert_eq!(stores.there.status(key).await.unwrap(), Lookup::Ended);
    assert_eq!(
        stores.there.register(new_chat(key)).await.unwrap(),
        Registered::Taken
    );

    eventually("an old tombstone goes", || async {
        stores.here.purge(100, Duration::ZERO).await.unwrap();
        stores.there.status(key).await.unwrap() == Lookup::Missing
    })
    .await;
    made(stores.there.register(new_chat(key)).await.unwrap());
}

pub async fn a_tombstone_outlives_every_message(stores: Stores) {
    let key = talk(&stores.here).await;
    let said = fill(&stores.here, key, 5).await;
    stores.here.end(Principal::Server(key)).await.unwrap();
    eventually("an old tombstone goes, slice by slice", || async {
        stores.here.purge(1, Duration::ZERO).await.unwrap();
        stores.here.status(key).await.unwrap() == Lookup::Missing
    })
    .await;
    made(stores.here.register(new_chat(key)).await.unwrap());
    assert!(
        all(&stores.there, key).await.is_empty(),
        "a new chat finds nothing of the old one"
    );
    take_seat(&stores.here, key, said[0].seat).await;
    assert_eq!(stored(&append(&stores.there, &said[..1]).await[0]), 1);
}

pub async fn two_purges_at_once_do_no_harm(stores: Stores) {
    let living = talk(&stores.here).await;
    fill(&stores.here, living, 10).await;
    for _ in 0..3 {
        let key = talk(&stores.here).await;
        fill(&stores.here, key, 40).await;
        stores.here.end(Principal::Server(key)).await.unwrap();
    }
    race(&stores, 4, |store, _| async move {
        while store.purge(7, LONG).await.unwrap() > 0 {}
    })
    .await;
    assert_eq!(stores.here.purge(100, LONG).await.unwrap(), 0, "all went");
    assert_eq!(all(&stores.here, living).await.len(), 10);
}
