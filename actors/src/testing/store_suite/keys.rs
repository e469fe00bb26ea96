use std::time::Duration;

use super::{Stores, fixture::*, registration::named};
use crate::{
    domain::ChatKey,
    ports::{Denied, NewChat, Registered},
};

pub async fn a_key_in_use_is_taken(stores: Stores) {
    let key = chat(&stores.here).await;
    for new in [new_chat(key), named(key, digest())] {
        let outcome = stores.there.register(new).await.unwrap();
        assert_eq!(outcome, Registered::Taken);
    }
}

pub async fn a_key_that_was_used_stays_taken(stores: Stores) {
    let ended = chat(&stores.here).await;
    end(&stores.here, ended).await;
    let expired = expired_chat(&stores.here).await;
    for _ in 0..2 {
        for key in [ended, expired] {
            let outcome = stores.there.register(new_chat(key)).await.unwrap();
            assert_eq!(outcome, Registered::Taken);
        }
        stores.here.expire(100).await.unwrap();
        while stores.here.purge(100, LONG).await.unwrap() > 0 {}
    }
}

pub async fn one_of_many_racing_registrations_gets_the_key(stores: Stores) {
    let key = key();
    let outcomes = race(&stores, RACERS, |store, _| async move {
        store.register(new_chat(key)).await.unwrap()
    })
    .await;
    let fresh = |outcome: &&Registered| matches!(outcome, Registered::Made { .. });
    assert_eq!(outcomes.iter().filter(fresh).count(), 1);
    let taken = |outcome: &&Registered| matches!(outcome, Registered::Taken);
    assert_eq!(outcomes.iter().filter(taken).count(), RACERS - 1);
}

fn must_be_reserved(key: ChatKey) -> NewChat {
    NewChat {
        must_be_reserved: true,
        ..new_chat(key)
    }
}

pub async fn a_key_that_must_be_reserved_is_refused_without_a_reservation(stores: Stores) {
    let key = key();
    let outcome = stores.here.register(must_be_reserved(key)).await.unwrap();
    assert_eq!(outcome, Registered::NotReserved);
    assert_eq!(stores.here.status(key).await.unwrap(), Err(Denied::Missing));
}

pub async fn a_reserved_key_can_be_registered_once(stores: Stores) {
    for new in [must_be_reserved(key()), new_chat(key())] {
        assert!(stores.here.reserve(new.key, LONG).await.unwrap());
        assert_eq!(
            stores.here.status(new.key).await.unwrap(),
            Err(Denied::Missing)
        );
        register(&stores.there, new.clone()).await;
        assert_eq!(stores.here.register(new).await.unwrap(), Registered::Taken);
    }
}

pub async fn a_reservation_lapses(stores: Stores) {
    let key = key();
    let hold = Duration::from_millis(1);
    assert!(stores.here.reserve(key, hold).await.unwrap());
    pass(&stores.here, hold).await;
    let outcome = stores.here.register(must_be_reserved(key)).await.unwrap();
    assert_eq!(outcome, Registered::NotReserved);

    assert!(stores.here.reserve(key, LONG).await.unwrap());
    register(&stores.here, must_be_reserved(key)).await;
}

pub async fn a_key_in_use_or_used_before_cannot_be_reserved(stores: Stores) {
    let key = chat(&stores.here).await;
    assert!(!stores.there.reserve(key, LONG).await.unwrap());
    end(&stores.here, key).await;
    assert!(!stores.there.reserve(key, LONG).await.unwrap());
    let expired = expired_chat(&stores.here).await;
    assert!(!stores.there.reserve(expired, LONG).await.unwrap());
}
