use std::time::Duration;

use uuid::Uuid;

use super::{Stores, fixture::*};
use crate::{
    domain::Seat,
    ports::{AnswerOutcome, AskAnswer, AskState, Claim, Claimed, Denied, NewAsk, Proof},
    testing::eventually,
};

const ALLOW: AskAnswer = AskAnswer::Allow { valid: LONG };

/// A chat where both seats are taken, and somebody asks for the second one.
struct Asked {
    one: Claim,
    two: Claim,
    ask: NewAsk,
}

impl Asked {
    async fn begin(stores: &Stores) -> Self {
        Self::for_so_long(stores, LONG).await
    }

    async fn for_so_long(stores: &Stores, valid: Duration) -> Self {
        let (key, one) = seated(&stores.here).await;
        let two = take_seat(&stores.here, key, Seat::Two).await;
        let ask = ask(Seat::Two, valid);
        live(stores.here.ask(key, ask.clone()).await);
        Self { one, two, ask }
    }

    /// Somebody else asks for the same seat.
    async fn again(&self, stores: &Stores) -> NewAsk {
        let ask = ask(Seat::Two, LONG);
        live(stores.there.ask(self.one.key, ask.clone()).await);
        ask
    }

    async fn state(&self, stores: &Stores) -> AskState {
        state(stores, &self.one, &self.ask).await
    }

    /// The person in the other seat answers.
    async fn answer(&self, stores: &Stores, verdict: AskAnswer) -> AnswerOutcome {
        let by = caller(&self.one);
        answer(&stores.there, by, self.ask.ask_ref, verdict).await
    }

    async fn is_admitted(&self, stores: &Stores) -> bool {
        let proof = Proof::Ask(self.ask.digest);
        is_admitted(&stores.here, self.one.key, Seat::Two, proof).await
    }

    async fn until_expired(&self, stores: &Stores) {
        eventually("the ask lapses", || async {
            self.state(stores).await == AskState::Expired
        })
        .await;
    }
}

async fn state(stores: &Stores, claim: &Claim, ask: &NewAsk) -> AskState {
    let found = stores.there.ask_state(claim.key, ask.digest).await;
    let found = live(found).unwrap();
    assert_eq!((found.seat, found.number), (ask.seat, ask.number));
    found.state
}

pub async fn an_ask_waits_and_is_listed(stores: Stores) {
    let before = store_now(&stores.here).await;
    let asked = Asked::begin(&stores).await;
    assert_eq!(asked.state(&stores).await, AskState::Waiting);
    let chat = live(stores.there.load(asked.one.key).await);
    assert_eq!(chat.asks.len(), 1);
    let listed = &chat.asks[0];
    assert_eq!(
        (listed.ask_ref, listed.seat, listed.number),
        (asked.ask.ask_ref, Seat::Two, asked.ask.number)
    );
    assert!(listed.expires_at >= before.plus(LONG));
    assert!(listed.left <= LONG && listed.left > LONG / 2);
    assert!(has_session(&stores.here, &asked.two).await);
}

pub async fn an_allowed_ask_lets_in_once(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let key = asked.one.key;
    let answered = asked.answer(&stores, ALLOW).await;
    assert_eq!(answered, AnswerOutcome::Done(Seat::Two));
    assert_eq!(asked.state(&stores).await, AskState::Allowed);
    // The ask is no longer open.
    assert!(live(stores.here.load(key).await).asks.is_empty());

    let proof = Proof::Ask(asked.ask.digest);
    assert!(!is_admitted(&stores.here, key, Seat::One, proof).await);
    let newcomer = claim(key, Seat::Two, Some(proof));
    assert_eq!(take(&stores.here, &newcomer).await, SEATED_WITH_CODE);
    assert!(has_session(&stores.there, &newcomer).await);
    assert!(return_code_works(&stores.there, key, Seat::Two, newcomer.return_code).await);

    assert!(!asked.is_admitted(&stores).await);
    assert_eq!(asked.state(&stores).await, AskState::Expired);
}

pub async fn one_of_many_racing_uses_of_an_ask_wins(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    asked.answer(&stores, ALLOW).await;
    let (key, digest) = (asked.one.key, asked.ask.digest);
    let let_in = race(&stores, RACERS, |store, _| async move {
        is_admitted(&store, key, Seat::Two, Proof::Ask(digest)).await
    })
    .await;
    assert_eq!(let_in.iter().filter(|let_in| **let_in).count(), 1);
    assert_eq!(sessions(&stores.here, key, Seat::Two).await.len(), 1);
}

pub async fn an_allowed_ask_that_is_not_used_expires(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let allow = AskAnswer::Allow { valid: SHORT };
    asked.answer(&stores, allow).await;
    asked.until_expired(&stores).await;
    assert!(!asked.is_admitted(&stores).await);
}

pub async fn allowing_ends_the_seats_sessions_and_codes_and_no_others(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let (one, two) = (&asked.one, &asked.two);
    let (key, device_one, device_two) = (one.key, digest(), digest());
    for (claim, code) in [(one, device_one), (two, device_two)] {
        live(stores.here.set_device_code(caller(claim), code, LONG).await);
    }
    asked.answer(&stores, ALLOW).await;

    assert!(sessions(&stores.here, key, Seat::Two).await.is_empty());
    assert!(live(stores.here.load(key).await).seats[Seat::Two].taken);
    assert!(!return_code_works(&stores.here, key, Seat::Two, two.return_code).await);
    assert!(!is_admitted(&stores.here, key, Seat::Two, Proof::DeviceCode(device_two)).await);
    assert!(has_session(&stores.here, one).await);
    assert!(return_code_works(&stores.here, key, Seat::One, one.return_code).await);
    assert!(is_admitted(&stores.here, key, Seat::One, Proof::DeviceCode(device_one)).await);
}

pub async fn a_replaced_person_is_recognised_by_their_old_secrets(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let (one, two) = (&asked.one, &asked.two);
    let (key, device) = (one.key, digest());
    let again = returning(two);
    take(&stores.here, &again).await;
    live(stores.here.set_device_code(caller(two), device, LONG).await);
    let tokens = [two.session.digest, again.session.digest];
    let held = [tokens, [two.return_code, device]].concat();
    for secret in &held {
        assert_eq!(stores.here.replaced(key, *secret).await.unwrap(), None);
    }
    let name_alone = claim(key, Seat::Two, None);
    let taken = take(&stores.here, &name_alone).await;
    assert_eq!(taken, Claimed::Taken { replaced_at: None });

    let before = store_now(&stores.here).await;
    asked.answer(&stores, ALLOW).await;
    let at = live(stores.there.load(key).await).seats[Seat::Two].replaced_at;
    assert!(at >= Some(before));
    for secret in held {
        let replaced = stores.there.replaced(key, secret).await.unwrap().unwrap();
        assert_eq!((replaced.seat, Some(replaced.at)), (Seat::Two, at));
    }
    for proof in [
        Proof::ReturnCode(two.return_code),
        Proof::DeviceCode(device),
    ] {
        let claimed = take(&stores.there, &claim(key, Seat::Two, Some(proof))).await;
        assert_eq!(claimed, Claimed::WrongProof { replaced_at: at });
    }
    let taken = take(&stores.there, &name_alone).await;
    assert_eq!(taken, Claimed::Taken { replaced_at: at });

    // Nobody else gets this answer: not a stranger, the person in the other seat, or the one who
    // was let in.
    let wrong = claim(key, Seat::Two, Some(Proof::ReturnCode(digest())));
    let wrong = take(&stores.here, &wrong).await;
    assert_eq!(wrong, Claimed::WrongProof { replaced_at: None });
    let wrong_seat = claim(key, Seat::One, Some(Proof::ReturnCode(two.return_code)));
    let wrong_seat = take(&stores.here, &wrong_seat).await;
    assert_eq!(wrong_seat, Claimed::WrongProof { replaced_at: None });
    let newcomer = claim(key, Seat::Two, Some(Proof::Ask(asked.ask.digest)));
    take(&stores.here, &newcomer).await;
    let other = chat(&stores.here).await;
    for (key, secret) in [
        (key, one.session.digest),
        (key, one.return_code),
        (key, newcomer.session.digest),
        (other, two.session.digest),
    ] {
        assert_eq!(stores.here.replaced(key, secret).await.unwrap(), None);
    }
    let seats = live(stores.here.load(key).await).seats;
    assert_eq!(seats[Seat::One].replaced_at, None);
}

pub async fn a_refused_ask_lets_nobody_in_and_changes_nothing(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let (key, two) = (asked.one.key, &asked.two);
    let answered = asked.answer(&stores, AskAnswer::Refuse).await;
    assert_eq!(answered, AnswerOutcome::Done(Seat::Two));
    assert_eq!(asked.state(&stores).await, AskState::Refused);
    assert!(!asked.is_admitted(&stores).await);
    assert!(has_session(&stores.here, two).await);
    assert!(return_code_works(&stores.here, key, Seat::Two, two.return_code).await);
    let chat = live(stores.here.load(key).await);
    assert!(chat.asks.is_empty());
    assert_eq!(chat.seats[Seat::Two].replaced_at, None);
}

pub async fn a_dry_run_leaves_the_ask_open(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let weighed = asked.answer(&stores, AskAnswer::DryRun).await;
    assert_eq!(weighed, AnswerOutcome::Done(Seat::Two));
    assert_eq!(asked.state(&stores).await, AskState::Waiting);
    assert!(!asked.is_admitted(&stores).await);
    assert!(has_session(&stores.here, &asked.two).await);
}

pub async fn the_seat_asked_for_may_refuse_and_not_allow(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let (own, ask_ref) = (caller(&asked.two), asked.ask.ask_ref);
    for verdict in [AskAnswer::DryRun, ALLOW] {
        let answered = answer(&stores.here, own, ask_ref, verdict).await;
        assert_eq!(answered, AnswerOutcome::OwnSeat);
    }
    assert_eq!(asked.state(&stores).await, AskState::Waiting);
    let refused = answer(&stores.here, own, ask_ref, AskAnswer::Refuse).await;
    assert_eq!(refused, AnswerOutcome::Done(Seat::Two));
    assert_eq!(asked.state(&stores).await, AskState::Refused);
}

pub async fn an_unanswered_ask_lets_nobody_in(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    assert!(!asked.is_admitted(&stores).await);
    assert_eq!(asked.state(&stores).await, AskState::Waiting);
}

pub async fn an_ask_is_answered_once(stores: Stores) {
    for (first, expected) in [
        (ALLOW, AskState::Allowed),
        (AskAnswer::Refuse, AskState::Refused),
    ] {
        let asked = Asked::begin(&stores).await;
        asked.answer(&stores, first).await;
        for second in [ALLOW, AskAnswer::Refuse] {
            assert_eq!(asked.answer(&stores, second).await, AnswerOutcome::Over);
        }
        assert_eq!(asked.state(&stores).await, expected);
    }
}

pub async fn one_of_two_racing_answers_counts(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let (by, ask_ref) = (caller(&asked.one), asked.ask.ask_ref);
    let answers = race(&stores, RACERS, |store, number| async move {
        let verdict = match number % 2 == 0 {
            true => ALLOW,
            false => AskAnswer::Refuse,
        };
        (verdict, answer(&store, by, ask_ref, verdict).await)
    })
    .await;
    let done =
        |(_, outcome): &&(AskAnswer, AnswerOutcome)| *outcome == AnswerOutcome::Done(Seat::Two);
    let counted: Vec<_> = answers.iter().filter(done).collect();
    assert_eq!(counted.len(), 1);
    let expected = match counted[0] {
        (AskAnswer::Refuse, _) => AskState::Refused,
        _ => AskState::Allowed,
    };
    assert_eq!(asked.state(&stores).await, expected);
}

pub async fn an_expired_ask_cannot_be_answered(stores: Stores) {
    let asked = Asked::for_so_long(&stores, Duration::from_millis(1)).await;
    asked.until_expired(&stores).await;
    assert!(live(stores.here.load(asked.one.key).await).asks.is_empty());
    assert_eq!(asked.answer(&stores, ALLOW).await, AnswerOutcome::Over);
    assert!(!asked.is_admitted(&stores).await);
    assert!(has_session(&stores.here, &asked.two).await);
}

pub async fn a_seat_has_one_open_ask_the_newest(stores: Stores) {
    let first = Asked::begin(&stores).await;
    let key = first.one.key;
    let elsewhere = ask(Seat::One, LONG);
    live(stores.here.ask(key, elsewhere.clone()).await);
    let newest = first.again(&stores).await;
    assert_eq!(first.state(&stores).await, AskState::Expired);
    assert_eq!(first.answer(&stores, ALLOW).await, AnswerOutcome::Over);
    assert!(!first.is_admitted(&stores).await);
    let open = live(stores.here.load(key).await).asks;
    let mut ask_refs: Vec<_> = open.iter().map(|ask| ask.ask_ref).collect();
    let mut expected = [elsewhere.ask_ref, newest.ask_ref];
    ask_refs.sort();
    expected.sort();
    assert_eq!(ask_refs, expected, "one for each seat");
    let answered = answer(&stores.here, caller(&first.one), newest.ask_ref, ALLOW).await;
    assert_eq!(answered, AnswerOutcome::Done(Seat::Two));
    assert!(is_admitted(&stores.here, key, Seat::Two, Proof::Ask(newest.digest)).await);
}

pub async fn one_of_many_racing_asks_for_a_seat_stays_open(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let key = asked.one.key;
    race(&stores, RACERS, |store, _| async move {
        live(store.ask(key, ask(Seat::Two, LONG)).await);
    })
    .await;
    assert_eq!(live(stores.here.load(key).await).asks.len(), 1);
}

pub async fn only_the_ask_allowed_last_lets_somebody_in(stores: Stores) {
    let first = Asked::begin(&stores).await;
    first.answer(&stores, ALLOW).await;
    let second = first.again(&stores).await;
    // A new ask does not revoke an allowed one.
    assert_eq!(first.state(&stores).await, AskState::Allowed);
    answer(&stores.here, caller(&first.one), second.ask_ref, ALLOW).await;
    assert_eq!(first.state(&stores).await, AskState::Expired);
    assert!(!first.is_admitted(&stores).await);
    let proof = Proof::Ask(second.digest);
    assert!(is_admitted(&stores.here, first.one.key, Seat::Two, proof).await);
}

pub async fn an_ask_dies_with_the_session_that_allowed_it(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    asked.answer(&stores, ALLOW).await;
    log_out(&stores.here, caller(&asked.one)).await;
    assert_eq!(asked.state(&stores).await, AskState::Expired);
    assert!(!asked.is_admitted(&stores).await);
}

pub async fn a_dead_session_answers_nothing(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let by = caller(&asked.one);
    log_out(&stores.here, by).await;
    for verdict in [AskAnswer::DryRun, ALLOW, AskAnswer::Refuse] {
        let answered = stores.there.answer(by, asked.ask.ask_ref, verdict).await;
        assert_eq!(answered.unwrap(), Err(Denied::NoSession));
    }
    assert_eq!(asked.state(&stores).await, AskState::Waiting);
    assert!(has_session(&stores.here, &asked.two).await);
}

pub async fn an_unknown_ask_has_no_state_and_no_answer(stores: Stores) {
    let asked = Asked::begin(&stores).await;
    let other = Asked::begin(&stores).await;
    let key = asked.one.key;
    assert_eq!(live(stores.here.ask_state(key, digest()).await), None);
    let elsewhere = stores.here.ask_state(other.one.key, asked.ask.digest).await;
    assert_eq!(live(elsewhere), None);
    let nowhere = stores
        .here
        .ask_state(super::fixture::key(), asked.ask.digest)
        .await;
    assert_eq!(nowhere.unwrap(), Err(Denied::Missing));
    for (by, ask_ref) in [
        (&asked.one, Uuid::new_v4()),
        (&other.one, asked.ask.ask_ref),
    ] {
        let answered = answer(&stores.here, caller(by), ask_ref, ALLOW).await;
        assert_eq!(answered, AnswerOutcome::Over);
    }
    assert_eq!(asked.state(&stores).await, AskState::Waiting);
}
