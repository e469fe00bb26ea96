use std::time::Duration;

use uuid::Uuid;

use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, Seat},
    ports::{Answered, AskState, Claimed, NewAsk, Proof},
    testing::eventually,
};

/// A chat where both seats are taken, and somebody asks for the second one.
async fn asked(stores: &Stores) -> (ChatKey, NewAsk) {
    let key = chat(&stores.here).await;
    for seat in Seat::BOTH {
        sit(&stores.here, key, seat).await;
    }
    let ask = ask(Seat::Two, LONG);
    stores.here.ask(key, ask.clone()).await.unwrap();
    (key, ask)
}

async fn state(stores: &Stores, key: ChatKey, ask: &NewAsk) -> AskState {
    let (seat, state) = stores
        .there
        .ask_state(key, ask.digest)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seat, ask.seat);
    state
}

pub async fn a_wish_waits_and_is_listed(stores: Stores) {
    let before = store_now(&stores.here).await;
    let (key, ask) = asked(&stores).await;
    assert_eq!(state(&stores, key, &ask).await, AskState::Waiting);
    let chat = live(stores.there.load(key).await);
    assert_eq!(chat.asks.len(), 1);
    assert_eq!(
        (chat.asks[0].word, chat.asks[0].seat),
        (ask.word, Seat::Two)
    );
    assert!(chat.asks[0].expires_at >= before.plus(LONG));
    assert_eq!(sessions(&stores.here, key, Seat::Two).await.len(), 1);
}

pub async fn an_allowed_wish_lets_in_once(stores: Stores) {
    let (key, ask) = asked(&stores).await;
    let answered = stores.there.answer(key, ask.word, true).await.unwrap();
    assert_eq!(answered, Answered::Done(Seat::Two));
    assert_eq!(state(&stores, key, &ask).await, AskState::Allowed);
    assert!(
        live(stores.here.load(key).await).asks.is_empty(),
        "it waits no longer"
    );

    let proof = Proof::Ask(ask.digest);
    assert!(!lets_in(&stores.here, key, Seat::One, proof).await);
    let newcomer = claim(key, Seat::Two, Some(proof));
    assert_eq!(
        take(&stores.here, &newcomer).await,
        Claimed::Sat { code_set: true }
    );
    assert!(has_session(&stores.there, &newcomer).await);
    assert!(return_code_works(&stores.there, key, Seat::Two, newcomer.return_code).await);

    assert!(!lets_in(&stores.there, key, Seat::Two, proof).await);
    assert_eq!(state(&stores, key, &ask).await, AskState::Expired);
}

pub async fn one_of_many_racing_uses_of_a_wish_wins(stores: Stores) {
    let (key, ask) = asked(&stores).await;
    stores.here.answer(key, ask.word, true).await.unwrap();
    let let_in = race(&stores, RACERS, |store, _| async move {
        lets_in(&store, key, Seat::Two, Proof::Ask(ask.digest)).await
    })
    .await;
    assert_eq!(let_in.iter().filter(|let_in| **let_in).count(), 1);
    assert_eq!(sessions(&stores.here, key, Seat::Two).await.len(), 1);
}

pub async fn allowing_ends_the_seats_sessions_and_codes_and_no_others(stores: Stores) {
    let key = chat(&stores.here).await;
    let one = sit(&stores.here, key, Seat::One).await;
    let two = sit(&stores.here, key, Seat::Two).await;
    let (device_one, device_two) = (digest(), digest());
    stores
        .here
        .set_device_code(key, Seat::One, device_one, LONG)
        .await
        .unwrap();
    stores
        .here
        .set_device_code(key, Seat::Two, device_two, LONG)
        .await
        .unwrap();
    let ask = ask(Seat::Two, LONG);
    stores.here.ask(key, ask.clone()).await.unwrap();
    stores.there.answer(key, ask.word, true).await.unwrap();

    assert!(sessions(&stores.here, key, Seat::Two).await.is_empty());
    assert!(live(stores.here.load(key).await).seats[Seat::Two].taken);
    assert!(!return_code_works(&stores.here, key, Seat::Two, two.return_code).await);
    assert!(!lets_in(&stores.here, key, Seat::Two, Proof::DeviceCode(device_two)).await);
    assert!(has_session(&stores.here, &one).await);
    assert!(return_code_works(&stores.here, key, Seat::One, one.return_code).await);
    assert!(lets_in(&stores.here, key, Seat::One, Proof::DeviceCode(device_one)).await);
}

pub async fn a_refused_wish_lets_nobody_in_and_changes_nothing(stores: Stores) {
    let key = chat(&stores.here).await;
    let two = sit(&stores.here, key, Seat::Two).await;
    let ask = ask(Seat::Two, LONG);
    stores.here.ask(key, ask.clone()).await.unwrap();
    let answered = stores.there.answer(key, ask.word, false).await.unwrap();
    assert_eq!(answered, Answered::Done(Seat::Two));
    assert_eq!(state(&stores, key, &ask).await, AskState::Refused);
    assert!(!lets_in(&stores.here, key, Seat::Two, Proof::Ask(ask.digest)).await);
    assert!(has_session(&stores.here, &two).await);
    assert!(return_code_works(&stores.here, key, Seat::Two, two.return_code).await);
    assert!(live(stores.here.load(key).await).asks.is_empty());
}

pub async fn a_wish_that_nobody_answered_lets_nobody_in(stores: Stores) {
    let (key, ask) = asked(&stores).await;
    assert!(!lets_in(&stores.here, key, Seat::Two, Proof::Ask(ask.digest)).await);
    assert_eq!(state(&stores, key, &ask).await, AskState::Waiting);
}

pub async fn a_wish_is_answered_once(stores: Stores) {
    for first in [true, false] {
        let (key, ask) = asked(&stores).await;
        stores.here.answer(key, ask.word, first).await.unwrap();
        for second in [true, false] {
            let answered = stores.there.answer(key, ask.word, second).await.unwrap();
            assert_eq!(answered, Answered::Over);
        }
        let expected = if first {
            AskState::Allowed
        } else {
            AskState::Refused
        };
        assert_eq!(state(&stores, key, &ask).await, expected);
    }
}

pub async fn one_of_two_racing_answers_counts(stores: Stores) {
    let (key, ask) = asked(&stores).await;
    let word = ask.word;
    let answers = race(&stores, RACERS, |store, number| async move {
        let allow = number % 2 == 0;
        (allow, store.answer(key, word, allow).await.unwrap())
    })
    .await;
    let counted: Vec<bool> = answers
        .into_iter()
        .filter(|(_, answered)| *answered == Answered::Done(Seat::Two))
        .map(|(allow, _)| allow)
        .collect();
    assert_eq!(counted.len(), 1);
    let expected = if counted[0] {
        AskState::Allowed
    } else {
        AskState::Refused
    };
    assert_eq!(state(&stores, key, &ask).await, expected);
}

pub async fn a_lapsed_wish_is_expired_and_cannot_be_answered(stores: Stores) {
    let key = chat(&stores.here).await;
    let two = sit(&stores.here, key, Seat::Two).await;
    let ask = ask(Seat::Two, Duration::from_millis(1));
    stores.here.ask(key, ask.clone()).await.unwrap();
    eventually("a wish lapses", || async {
        state(&stores, key, &ask).await == AskState::Expired
    })
    .await;
    assert_eq!(
        stores.here.answer(key, ask.word, true).await.unwrap(),
        Answered::Over
    );
    assert!(!lets_in(&stores.here, key, Seat::Two, Proof::Ask(ask.digest)).await);
    assert!(has_session(&stores.here, &two).await);
}

pub async fn an_unknown_wish_has_no_state_and_no_answer(stores: Stores) {
    let (key, ask) = asked(&stores).await;
    let other = chat(&stores.here).await;
    assert_eq!(stores.here.ask_state(key, digest()).await.unwrap(), None);
    assert_eq!(
        stores.here.ask_state(other, ask.digest).await.unwrap(),
        None
    );
    let unknown = stores.here.answer(key, Uuid::new_v4(), true).await.unwrap();
    assert_eq!(unknown, Answered::Over);
    let elsewhere = stores.here.answer(other, ask.word, true).await.unwrap();
    assert_eq!(elsewhere, Answered::Over);
    assert_eq!(state(&stores, key, &ask).await, AskState::Waiting);
}
