use std::time::Duration;

use super::{Stores, fixture::*};
use crate::{domain::Seat, ports::Proof};

pub async fn a_new_return_code_replaces_the_old_one(stores: Stores) {
    let key = chat(&stores.here).await;
    let first = sit(&stores.here, key, Seat::One).await;
    let other = sit(&stores.here, key, Seat::Two).await;
    let new = digest();
    stores
        .there
        .set_return_code(key, Seat::One, new)
        .await
        .unwrap();
    assert!(!return_code_works(&stores.here, key, Seat::One, first.return_code).await);
    assert!(return_code_works(&stores.here, key, Seat::One, new).await);
    assert!(return_code_works(&stores.here, key, Seat::Two, other.return_code).await);
    assert!(
        has_session(&stores.here, &first).await,
        "sessions outlive the code"
    );
}

pub async fn a_device_code_is_good_once(stores: Stores) {
    let key = chat(&stores.here).await;
    let first = sit(&stores.here, key, Seat::One).await;
    sit(&stores.here, key, Seat::Two).await;
    let before = store_now(&stores.here).await;
    let code = digest();
    let lapses = stores
        .here
        .set_device_code(key, Seat::One, code, LONG)
        .await
        .unwrap();
    assert!(lapses >= before.plus(LONG));

    let proof = Proof::DeviceCode(code);
    assert!(!lets_in(&stores.there, key, Seat::One, Proof::DeviceCode(digest())).await);
    assert!(!lets_in(&stores.there, key, Seat::Two, proof).await);
    assert!(!lets_in(&stores.there, key, Seat::One, Proof::ReturnCode(code)).await);
    assert!(lets_in(&stores.there, key, Seat::One, proof).await);
    assert!(!lets_in(&stores.here, key, Seat::One, proof).await);
    assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), 2);
    assert!(return_code_works(&stores.here, key, Seat::One, first.return_code).await);
}

pub async fn one_of_many_racing_uses_of_a_device_code_wins(stores: Stores) {
    let key = chat(&stores.here).await;
    sit(&stores.here, key, Seat::One).await;
    let code = digest();
    stores
        .here
        .set_device_code(key, Seat::One, code, LONG)
        .await
        .unwrap();
    let let_in = race(&stores, RACERS, |store, _| async move {
        lets_in(&store, key, Seat::One, Proof::DeviceCode(code)).await
    })
    .await;
    assert_eq!(let_in.iter().filter(|let_in| **let_in).count(), 1);
    assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), 2);
}

pub async fn a_device_code_lapses(stores: Stores) {
    let key = chat(&stores.here).await;
    sit(&stores.here, key, Seat::One).await;
    let (code, valid) = (digest(), Duration::from_millis(1));
    stores
        .here
        .set_device_code(key, Seat::One, code, valid)
        .await
        .unwrap();
    pass(&stores.here, valid).await;
    assert!(!lets_in(&stores.here, key, Seat::One, Proof::DeviceCode(code)).await);
}

pub async fn a_new_device_code_replaces_the_old_one(stores: Stores) {
    let key = chat(&stores.here).await;
    sit(&stores.here, key, Seat::One).await;
    let (old, new) = (digest(), digest());
    stores
        .here
        .set_device_code(key, Seat::One, old, LONG)
        .await
        .unwrap();
    stores
        .there
        .set_device_code(key, Seat::One, new, LONG)
        .await
        .unwrap();
    assert!(!lets_in(&stores.here, key, Seat::One, Proof::DeviceCode(old)).await);
    assert!(lets_in(&stores.here, key, Seat::One, Proof::DeviceCode(new)).await);
}
