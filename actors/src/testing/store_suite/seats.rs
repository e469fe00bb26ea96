use std::time::Duration;

use uuid::Uuid;

use super::{Stores, fixture::*};
use crate::{
    domain::{Browser, ChatKey, Device, Seat, SecretDigest, System},
    ports::{Claim, Claimed, Denied, Proof, SessionChoice},
};

const TAKEN: Claimed = Claimed::Taken { replaced_at: None };
const MINUTE: Duration = Duration::from_secs(60);

/// A claim that can be recognised.
fn named(key: ChatKey, login: SecretDigest, proof: Option<Proof>) -> Claim {
    let mut claim = claim(key, Seat::One, proof);
    claim.session.login = Some(login);
    claim
}

pub async fn the_first_to_claim_a_seat_gets_it_and_sets_its_code(stores: Stores) {
    let key = chat(&stores.here).await;
    let before = store_now(&stores.here).await;
    let first = take_seat(&stores.here, key, Seat::One).await;

    let chat = live(stores.there.load(key).await);
    assert!(chat.seats[Seat::One].taken);
    assert!(!chat.seats[Seat::Two].taken);
    let session = session_of(&stores.there, &first).await;
    assert_eq!((session.id, session.seat), (first.session.id, Seat::One));
    assert!(session.since >= before && session.last_seen.is_none());
    assert!(return_code_works(&stores.there, key, Seat::One, first.return_code).await);
}

pub async fn a_session_keeps_what_it_logged_in_with(stores: Stores) {
    let key = chat(&stores.here).await;
    let chrome = Device {
        browser: Some(Browser::Chrome),
        system: Some(System::Android),
    };
    let mut phone = claim(key, Seat::One, None);
    phone.session.device = chrome;
    take(&stores.here, &phone).await;
    let unknown = returning(&phone);
    take(&stores.here, &unknown).await;

    assert_eq!(session_of(&stores.there, &phone).await.device, chrome);
    let found = session_of(&stores.there, &unknown).await.device;
    assert_eq!(found, Device::default());
}

pub async fn the_time_of_the_first_login_is_kept_over_later_ones(stores: Stores) {
    let key = chat(&stores.here).await;
    let joined = async || live(stores.there.load(key).await).seats[Seat::One].joined_at;
    assert_eq!(joined().await, None);
    let before = store_now(&stores.here).await;
    let first = take_seat(&stores.here, key, Seat::One).await;
    let at = joined().await.expect("somebody sits there");
    assert!(before <= at && at <= session_of(&stores.here, &first).await.since);

    pass(&stores.here, Duration::from_millis(1)).await;
    let again = returning(&first);
    take(&stores.here, &again).await;
    log_out(&stores.here, caller(&first)).await;
    assert_eq!(joined().await, Some(at));
}

pub async fn a_free_seat_accepts_any_proof(stores: Stores) {
    let key = chat(&stores.here).await;
    let claim = claim(key, Seat::One, Some(Proof::ReturnCode(digest())));
    assert_eq!(take(&stores.here, &claim).await, SEATED_WITH_CODE);
}

pub async fn a_taken_seat_needs_a_proof(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    let second = claim(key, Seat::One, None);
    assert_eq!(take(&stores.there, &second).await, TAKEN);
    for proof in [Proof::ReturnCode, Proof::DeviceCode, Proof::Ask] {
        assert!(!is_admitted(&stores.there, key, Seat::One, proof(digest())).await);
    }
    assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), 1);
    assert!(return_code_works(&stores.here, key, Seat::One, first.return_code).await);
    assert!(!return_code_works(&stores.here, key, Seat::One, second.return_code).await);
}

pub async fn a_seat_stays_taken_after_its_last_session_ended(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    log_out(&stores.here, caller(&first)).await;
    let second = claim(key, Seat::One, None);
    assert_eq!(take(&stores.there, &second).await, TAKEN);
    assert!(live(stores.there.load(key).await).seats[Seat::One].taken);
    assert!(return_code_works(&stores.there, key, Seat::One, first.return_code).await);
}

pub async fn exactly_one_of_many_racing_claims_wins(stores: Stores) {
    let key = chat(&stores.here).await;
    let outcomes = race(&stores, RACERS, |store, _| async move {
        let claim = claim(key, Seat::Two, None);
        (take(&store, &claim).await, claim)
    })
    .await;
    let mut winners = outcomes.iter().filter(|(outcome, _)| *outcome != TAKEN);
    let (outcome, winner) = winners.next().expect("somebody gets the seat");
    assert_eq!(*outcome, SEATED_WITH_CODE);
    assert!(winners.next().is_none(), "nobody else does");
    assert_eq!(sessions(&stores.here, key, Seat::Two).await.len(), 1);
    assert!(has_session(&stores.here, winner).await);
    assert!(return_code_works(&stores.here, key, Seat::Two, winner.return_code).await);
}

pub async fn a_login_with_a_return_code_keeps_the_other_sessions(stores: Stores) {
    let (key, first) = seated(&stores.here).await;
    for count in 2..4 {
        let back = returning(&first);
        assert_eq!(take(&stores.there, &back).await, SEATED);
        assert!(has_session(&stores.here, &back).await);
        assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), count);
    }
    assert!(has_session(&stores.here, &first).await);
}

pub async fn a_return_code_is_refused_at_the_other_seat(stores: Stores) {
    let (key, one) = seated(&stores.here).await;
    take_seat(&stores.here, key, Seat::Two).await;
    assert!(!return_code_works(&stores.here, key, Seat::Two, one.return_code).await);
    let as_device_code = Proof::DeviceCode(one.return_code);
    assert!(!is_admitted(&stores.here, key, Seat::One, as_device_code).await);
}

pub async fn the_same_login_replaces_its_unused_session_and_code(stores: Stores) {
    let (key, login) = (chat(&stores.here).await, digest());
    let lost = named(key, login, None);
    assert_eq!(take(&stores.here, &lost).await, SEATED_WITH_CODE);
    for store in [&stores.there, &stores.here] {
        let again = named(key, login, None);
        assert_eq!(take(store, &again).await, SEATED_WITH_CODE);
        assert!(has_session(&stores.here, &again).await);
        assert!(!has_session(&stores.here, &lost).await);
        assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), 1);
    }
    let last = named(key, login, None);
    assert_eq!(take(&stores.here, &last).await, SEATED_WITH_CODE);
    assert!(!return_code_works(&stores.here, key, Seat::One, lost.return_code).await);
    assert!(return_code_works(&stores.here, key, Seat::One, last.return_code).await);
}

pub async fn the_same_login_with_a_code_adds_one_session(stores: Stores) {
    let (key, login) = (chat(&stores.here).await, digest());
    let first = take_seat(&stores.here, key, Seat::One).await;
    let proof = Some(Proof::ReturnCode(first.return_code));
    for _ in 0..3 {
        let again = named(key, login, proof);
        assert_eq!(take(&stores.here, &again).await, SEATED);
        assert!(has_session(&stores.here, &again).await);
        assert_eq!(sessions(&stores.here, key, Seat::One).await.len(), 2);
    }
    assert!(has_session(&stores.here, &first).await);
    assert!(return_code_works(&stores.here, key, Seat::One, first.return_code).await);
}

pub async fn the_same_login_does_not_replace_a_session_in_use(stores: Stores) {
    let (key, login) = (chat(&stores.here).await, digest());
    let first = named(key, login, None);
    assert_eq!(take(&stores.here, &first).await, SEATED_WITH_CODE);
    use_session(&stores.here, &first, Duration::from_millis(1)).await;
    assert_eq!(take(&stores.there, &named(key, login, None)).await, TAKEN);
    assert!(has_session(&stores.here, &first).await);
    assert!(return_code_works(&stores.here, key, Seat::One, first.return_code).await);
}

pub async fn the_same_login_at_the_other_seat_is_another(stores: Stores) {
    let (key, login) = (chat(&stores.here).await, digest());
    let one = named(key, login, None);
    let two = Claim {
        seat: Seat::Two,
        ..named(key, login, None)
    };
    for claim in [&one, &two] {
        assert_eq!(take(&stores.here, claim).await, SEATED_WITH_CODE);
    }
    assert!(has_session(&stores.here, &one).await);
    assert!(has_session(&stores.here, &two).await);
}

pub async fn the_longest_unused_session_makes_room(stores: Stores) {
    let key = chat(&stores.here).await;
    let other = take_seat(&stores.here, key, Seat::Two).await;
    let first = take_seat(&stores.here, key, Seat::One).await;
    let unused_the_longest = returning(&first);
    take(&stores.here, &unused_the_longest).await;
    use_session(&stores.here, &unused_the_longest, MINUTE).await;
    use_session(&stores.here, &first, 2 * MINUTE).await;

    let next = Claim {
        sessions_max: 2,
        ..returning(&first)
    };
    assert_eq!(take(&stores.here, &next).await, SEATED);
    assert!(!has_session(&stores.here, &unused_the_longest).await);
    assert!(has_session(&stores.here, &first).await);
    assert!(has_session(&stores.here, &next).await);
    // The other seat keeps its own.
    assert!(has_session(&stores.here, &other).await);
}

pub async fn a_session_ends_itself(stores: Stores) {
    let (_, first) = seated(&stores.here).await;
    let second = returning(&first);
    take(&stores.here, &second).await;

    let own = caller(&first);
    log_out(&stores.there, own).await;
    let again = stores.here.end_session(own, SessionChoice::Own).await;
    assert_eq!(again.unwrap(), Err(Denied::NoSession));
    assert!(!has_session(&stores.here, &first).await);
    assert!(has_session(&stores.here, &second).await);
}

pub async fn a_session_is_ended_by_its_id(stores: Stores) {
    let (_, first) = seated(&stores.here).await;
    let second = returning(&first);
    take(&stores.here, &second).await;
    let by = caller(&second);
    let id = SessionChoice::Id(session_of(&stores.here, &first).await.id);
    let unknown = SessionChoice::Id(Uuid::new_v4());
    assert!(!live(stores.here.end_session(by, unknown).await));
    assert!(live(stores.there.end_session(by, id).await));
    assert!(!live(stores.there.end_session(by, id).await));
    assert!(!has_session(&stores.here, &first).await);
    assert!(has_session(&stores.here, &second).await);
}

pub async fn a_session_is_not_ended_from_the_other_seat(stores: Stores) {
    let (key, other) = (chat(&stores.here).await, chat(&stores.here).await);
    let first = take_seat(&stores.here, key, Seat::One).await;
    let id = SessionChoice::Id(first.session.id);
    let peer = take_seat(&stores.here, key, Seat::Two).await;
    let stranger = take_seat(&stores.here, other, Seat::One).await;
    for by in [peer, stranger] {
        assert!(!live(stores.here.end_session(caller(&by), id).await));
    }
    assert!(has_session(&stores.here, &first).await);
}
