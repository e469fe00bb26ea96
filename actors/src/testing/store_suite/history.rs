use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, Marks, Page, Seat, Seq},
    ports::{
        Access, AskAnswer, DeferredWrite, HistoryPage, NewChat, PAGE_BYTES_MAX, Principal, Proof,
        SessionChoice,
    },
};

async fn page(stores: &Stores, key: ChatKey, page: Page, limit: usize) -> (Vec<Seq>, bool) {
    let HistoryPage { messages, more } = granted(
        stores
            .there
            .history(Principal::Server(key), page, limit)
            .await,
    );
    (seqs(&messages), more)
}

pub async fn the_newest_page_ends_with_the_last_message(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 7).await;
    assert_eq!(
        page(&stores, key, Page::Newest, 3).await,
        (vec![5, 6, 7], true)
    );
    assert_eq!(
        page(&stores, key, Page::Newest, 6).await,
        ((2..=7).collect(), true)
    );
    assert_eq!(
        page(&stores, key, Page::Newest, 7).await,
        ((1..=7).collect(), false)
    );
    assert_eq!(
        page(&stores, key, Page::Newest, 200).await,
        ((1..=7).collect(), false)
    );
}

pub async fn pages_forward_meet_without_gap_or_repeat(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 10).await;
    for limit in [1, 3, 5, 10, 200] {
        let mut read: Vec<Seq> = Vec::new();
        loop {
            let after = read.last().copied().unwrap_or(0);
            let (seqs, more) = page(&stores, key, Page::After(after), limit).await;
            assert!(seqs.len() <= limit);
            read.extend(seqs);
            if !more {
                break;
            }
        }
        assert_eq!(
            read,
            (1..=10).collect::<Vec<Seq>>(),
            "with pages of {limit}"
        );
    }
}

pub async fn pages_backward_meet_without_gap_or_repeat(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 10).await;
    for limit in [1, 3, 5, 10, 200] {
        let mut read: Vec<Seq> = Vec::new();
        loop {
            let before = read.first().copied().unwrap_or(11);
            let (mut seqs, more) = page(&stores, key, Page::Before(before), limit).await;
            assert!(seqs.len() <= limit);
            seqs.extend(read);
            read = seqs;
            if !more {
                break;
            }
        }
        assert_eq!(
            read,
            (1..=10).collect::<Vec<Seq>>(),
            "with pages of {limit}"
        );
    }
}

pub async fn a_page_of_long_texts_ends_early_at_the_far_end(stores: Stores) {
    let key = talk(&stores.here).await;
    let (quarter, rest) = (
        "x".repeat(PAGE_BYTES_MAX / 4),
        "x".repeat(PAGE_BYTES_MAX / 4 - 1),
    );
    let texts = [&quarter, &quarter, &rest, &quarter, "y", &quarter];
    let drafts = texts.map(|ask_refs| draft(key, Seat::One, ask_refs));
    append(&stores.here, &drafts).await;
    for (part, expected) in [
        (Page::After(0), (vec![1, 2, 3, 4, 5], true)),
        (Page::After(1), (vec![2, 3, 4, 5, 6], false)),
        (Page::Newest, (vec![2, 3, 4, 5, 6], true)),
        (Page::Before(6), (vec![1, 2, 3, 4, 5], false)),
    ] {
        assert_eq!(page(&stores, key, part, 200).await, expected, "{part:?}");
    }
    assert_eq!(
        page(&stores, key, Page::After(0), 2).await,
        (vec![1, 2], true)
    );
}

pub async fn pages_outside_of_the_chat_are_empty(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 3).await;
    for outside in [
        Page::After(3),
        Page::After(1_000),
        Page::Before(1),
        Page::Before(0),
    ] {
        assert_eq!(
            page(&stores, key, outside, 10).await,
            (vec![], false),
            "{outside:?}"
        );
    }
    let far = i64::MAX as Seq;
    assert_eq!(
        page(&stores, key, Page::After(far), 10).await,
        (vec![], false)
    );
    assert_eq!(
        page(&stores, key, Page::Before(far), 2).await,
        (vec![2, 3], true)
    );
}

pub async fn an_empty_chat_has_an_empty_page(stores: Stores) {
    let key = chat(&stores.here).await;
    for empty in [Page::Newest, Page::After(0), Page::Before(1)] {
        assert_eq!(
            page(&stores, key, empty, 10).await,
            (vec![], false),
            "{empty:?}"
        );
    }
}

pub async fn positions_come_in_the_order_asked_for(stores: Stores) {
    let (empty, three, ended) = (
        talk(&stores.here).await,
        talk(&stores.here).await,
        talk(&stores.here).await,
    );
    fill(&stores.here, three, 3).await;
    fill(&stores.here, ended, 2).await;
    stores.here.end(Principal::Server(ended)).await.unwrap();
    let expired = expired_chat(&stores.here).await;
    let keys = [three, ended, key(), empty, expired, three];
    let expected = [Some(3), None, None, Some(0), None, Some(3)];
    let positions = answered(stores.there.positions(&keys).await);
    let last_seqs: Vec<Option<Seq>> = positions
        .iter()
        .map(|position| position.map(|position| position.last_seq))
        .collect();
    assert_eq!(last_seqs, expected);
    assert_eq!(answered(stores.there.positions(&[]).await), []);
}

pub async fn a_position_contains_both_seats_marks(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 5).await;
    let (one, two) = (marks(4, 3), marks(5, 1));
    let writes = [(Seat::One, one), (Seat::Two, two)];
    let writes = writes.map(|(seat, marks)| (key, DeferredWrite::Marks(member(key, seat), marks)));
    stores.here.write_deferred(&writes).await.unwrap();
    let position = answered(stores.there.positions(&[key]).await)[0].unwrap();
    assert_eq!(position.marks.0, [one, two]);
}

fn marks(delivered: Seq, read: Seq) -> Marks {
    Marks { delivered, read }
}

async fn revision(stores: &Stores, key: ChatKey) -> u64 {
    let position = answered(stores.there.positions(&[key]).await)[0].unwrap();
    let loaded = live(stores.there.load(key).await).position.revision;
    assert_eq!(position.revision, loaded);
    loaded
}

pub async fn a_revision_goes_up_with_every_change_of_seats_sessions_and_asks(stores: Stores) {
    let new = NewChat {
        name_two: None,
        ..new_chat(key())
    };
    let key = new.key;
    made(stores.here.register(new).await.unwrap());
    let mut before = revision(&stores, key).await;
    let mut went_up = async |what: &str| {
        let after = revision(&stores, key).await;
        assert!(after > before, "not by {what}");
        before = after;
    };
    let anny = name("Anny");
    live(stores.here.name_seat_two(key, &anny).await);
    went_up("a name").await;
    let first = take_seat(&stores.here, key, Seat::Two).await;
    went_up("a first login").await;
    let code = Proof::ReturnCode(first.return_code);
    take(&stores.here, &claim(key, Seat::Two, Some(code))).await;
    went_up("a second login").await;
    let ended = stores.here.end_session(caller(&first), SessionChoice::Own);
    assert!(granted(ended.await));
    went_up("an ended session").await;
    let other = caller(&take_seat(&stores.here, key, Seat::One).await);
    went_up("a login at the other seat").await;
    let wish = ask(Seat::Two, LONG);
    stores.here.ask(key, wish.clone()).await.unwrap();
    went_up("a wish").await;
    let allow = AskAnswer::Allow { valid: LONG };
    granted(stores.here.answer(other, wish.ask_ref, allow).await);
    went_up("an answer").await;
    assert!(is_admitted(&stores.here, key, Seat::Two, Proof::Ask(wish.digest)).await);
    went_up("a wish that was used").await;
}

pub async fn a_revision_stays_with_messages_marks_and_times(stores: Stores) {
    let key = chat(&stores.here).await;
    let claim = take_seat(&stores.here, key, Seat::One).await;
    take_seat(&stores.here, key, Seat::Two).await;
    let before = revision(&stores, key).await;
    fill(&stores.here, key, 3).await;
    let now = store_now(&stores.here).await;
    let writes = [
        (
            key,
            DeferredWrite::Marks(member(key, Seat::One), marks(3, 3)),
        ),
        (key, DeferredWrite::LastSeen(Seat::One, now)),
    ];
    stores.here.write_deferred(&writes).await.unwrap();
    use_session(&stores.here, &claim, LONG).await;
    assert_eq!(revision(&stores, key).await, before);
}

pub async fn a_page_is_read_by_a_living_session_alone(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 3).await;
    let reader = member(key, Seat::Two);
    let read = stores.there.history(reader.into(), Page::Newest, 10).await;
    assert_eq!(seqs(&granted(read).messages), [1, 2, 3]);
    for stranger in rejected_callers(&stores.here, reader).await {
        let read = stores
            .there
            .history(stranger.into(), Page::Newest, 10)
            .await;
        assert_eq!(read.unwrap(), Access::NoSession);
    }
    stores.here.end(Principal::Server(key)).await.unwrap();
    let read = stores.there.history(reader.into(), Page::Newest, 10).await;
    assert_eq!(
        read.unwrap(),
        Access::Ended,
        "that it is over comes before that its sessions are"
    );
}

pub async fn sessions_are_checked_in_the_order_asked_for(stores: Stores) {
    let (key, over) = (talk(&stores.here).await, talk(&stores.here).await);
    fill(&stores.here, key, 3).await;
    let (one, two) = (member(key, Seat::One), member(key, Seat::Two));
    let [unknown, elsewhere, ended] = rejected_callers(&stores.here, one).await;
    stores.here.end(Principal::Server(over)).await.unwrap();
    let nowhere = member(super::fixture::key(), Seat::One);
    let callers = [
        two,
        unknown,
        member(over, Seat::One),
        one,
        nowhere,
        elsewhere,
        two,
        ended,
    ];
    let checked = answered(stores.there.check_sessions(&callers).await);
    let expected = [
        Access::Granted(3),
        Access::NoSession,
        Access::Ended,
        Access::Granted(3),
        Access::Missing,
        Access::NoSession,
        Access::Granted(3),
        Access::NoSession,
    ];
    assert_eq!(checked, expected);
    assert_eq!(answered(stores.there.check_sessions(&[]).await), []);
    let expired = short_chat(&stores.here).await;
    until_over(&stores.here, expired).await;
    let late = [member(expired, Seat::One)];
    let checked = answered(stores.here.check_sessions(&late).await);
    assert_eq!(checked, [Access::Ended]);
}
