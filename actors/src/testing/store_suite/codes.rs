use std::time::Duration;

use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, CodeDigest, Seat},
    ports::{AskState, Claim, Denied, Proof, SessionChoice, Store},
};

/// Has a session make a device code that is valid for this long.
async fn device_code(store: &dyn Store, by: &Claim, valid: Duration) -> CodeDigest {
    let code = digest();
    live(store.set_device_code(caller(by), code, valid).await);
    code
}

async fn device_code_works(stores: &Stores, key: ChatKey, seat: Seat, code: CodeDigest) -> bool {
    is_admitted(&stores.there, key, seat, Proof::DeviceCode(code)).await
}

pub async fn a_new_return_code_replaces_the_old_one(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    let other = take_seat(&stores.here, key, Seat::Two).await;
    let new = digest();
    live(stores.there.set_return_code(caller(&first), new).await);
    assert!(!return_code_works(&stores.here, key, Seat::One, first.return_code).await);
    assert!(return_code_works(&stores.here, key, Seat::One, new).await);
    assert!(return_code_works(&stores.here, key, Seat::Two, other.return_code).await);
    // Sessions outlive the code.
    assert!(has_session(&stores.here, &first).await);
}

pub async fn a_new_return_code_ends_its_seats_device_code_and_asks(stores: Stores) {
    let (key, one) = seated(&stores.here).await;
    let two = take_seat(&stores.here, key, Seat::Two).await;
    let (own, others) = (ask(Seat::One, LONG), ask(Seat::Two, LONG));
    for ask in [&own, &others] {
        live(stores.here.ask(key, ask.clone()).await);
    }
    let own_code = device_code(&*stores.here, &one, LONG).await;
    let others_code = device_code(&*stores.here, &two, LONG).await;
    live(stores.there.set_return_code(caller(&one), digest()).await);

    let open = live(stores.here.load(key).await).asks;
    assert!(open.iter().map(|ask| ask.ask_ref).eq([others.ask_ref]));
    let found = live(stores.here.ask_state(key, own.digest).await);
    assert_eq!(found.unwrap().state, AskState::Expired);
    assert!(!device_code_works(&stores, key, Seat::One, own_code).await);
    assert!(device_code_works(&stores, key, Seat::Two, others_code).await);
}

pub async fn a_device_code_works_once(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    take_seat(&stores.here, key, Seat::Two).await;
    let before = store_now(&stores.here).await;
    let code = digest();
    let lapses = stores.here.set_device_code(caller(&first), code, LONG);
    assert!(live(lapses.await) >= before.plus(LONG));

    assert!(!device_code_works(&stores, key, Seat::One, digest()).await);
    assert!(!device_code_works(&stores, key, Seat::Two, code).await);
    assert!(!return_code_works(&stores.there, key, Seat::One, code).await);
    assert!(device_code_works(&stores, key, Seat::One, code).await);
    assert!(!device_code_works(&stores, key, Seat::One, code).await);
    assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), 2);
    assert!(return_code_works(&stores.here, key, Seat::One, first.return_code).await);
}

pub async fn one_of_many_racing_uses_of_a_device_code_wins(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    let code = device_code(&*stores.here, &first, LONG).await;
    let let_in = race(&stores, RACERS, |store, _| async move {
        is_admitted(&store, key, Seat::One, Proof::DeviceCode(code)).await
    })
    .await;
    assert_eq!(let_in.iter().filter(|let_in| **let_in).count(), 1);
    assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), 2);
}

pub async fn a_device_code_expires(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    let valid = Duration::from_millis(1);
    let code = device_code(&*stores.here, &first, valid).await;
    pass(&stores.here, valid).await;
    assert!(!device_code_works(&stores, key, Seat::One, code).await);
}

pub async fn a_new_device_code_replaces_the_old_one(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    let old = device_code(&*stores.here, &first, LONG).await;
    let new = device_code(&*stores.there, &first, LONG).await;
    assert!(!device_code_works(&stores, key, Seat::One, old).await);
    assert!(device_code_works(&stores, key, Seat::One, new).await);
}

pub async fn a_device_code_dies_with_the_session_that_made_it(stores: Stores) {
    let (key, owner) = seated(&stores.here).await;
    // Ended by its owner, by itself, and to make room for another.
    let other = returning(&owner);
    take(&stores.here, &other).await;
    let code = device_code(&*stores.here, &other, LONG).await;
    let by_id = SessionChoice::Id(other.session.id);
    let ended = stores.there.end_session(caller(&owner), by_id).await;
    assert!(live(ended));
    assert!(!device_code_works(&stores, key, Seat::One, code).await);

    let other = returning(&owner);
    take(&stores.here, &other).await;
    let code = device_code(&*stores.here, &other, LONG).await;
    log_out(&stores.there, caller(&other)).await;
    assert!(!device_code_works(&stores, key, Seat::One, code).await);

    let code = device_code(&*stores.here, &owner, LONG).await;
    let alone = Claim {
        sessions_max: 1,
        ..returning(&owner)
    };
    take(&stores.here, &alone).await;
    assert!(!has_session(&stores.here, &owner).await);
    assert!(!device_code_works(&stores, key, Seat::One, code).await);
}

pub async fn a_dead_session_makes_no_codes_and_ends_no_sessions(stores: Stores) {
    let (key, owner) = seated(&stores.here).await;
    let dead = returning(&owner);
    take(&stores.here, &dead).await;
    let by = caller(&dead);
    log_out(&stores.here, by).await;
    let good = device_code(&*stores.here, &owner, LONG).await;

    let (code, new) = (digest(), digest());
    let made = stores.there.set_device_code(by, code, LONG).await.unwrap();
    assert_eq!(made, Err(Denied::NoSession));
    let set = stores.there.set_return_code(by, new).await.unwrap();
    assert_eq!(set, Err(Denied::NoSession));
    for which in [SessionChoice::Own, SessionChoice::Id(owner.session.id)] {
        let ended = stores.there.end_session(by, which).await.unwrap();
        assert_eq!(ended, Err(Denied::NoSession));
    }
    assert!(!device_code_works(&stores, key, Seat::One, code).await);
    assert!(!return_code_works(&stores.here, key, Seat::One, new).await);
    assert!(has_session(&stores.here, &owner).await);
    assert!(return_code_works(&stores.here, key, Seat::One, owner.return_code).await);
    assert!(device_code_works(&stores, key, Seat::One, good).await);
}

pub async fn a_session_is_one_of_its_own_seat_and_chat(stores: Stores) {
    let (key, elsewhere) = (talk(&stores.here).await, talk(&stores.here).await);
    let own = member(key, Seat::One);
    let (mut at_other_seat, mut in_other_chat) = (own, own);
    at_other_seat.seat = Seat::Two;
    in_other_chat.key = elsewhere;
    for by in [at_other_seat, in_other_chat] {
        let made = stores.here.set_return_code(by, digest()).await.unwrap();
        assert_eq!(made, Err(Denied::NoSession));
    }
}
