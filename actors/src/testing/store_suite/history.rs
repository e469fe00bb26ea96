use super::{Stores, fixture::*};
use crate::{
    domain::{Caller, ChatKey, Page, Seat, Seq},
    ports::{AskAnswer, DeferredWrite, Denied, NewChat, PAGE_BYTES_MAX, Principal, Proof},
};

async fn page(stores: &Stores, key: ChatKey, page: Page, limit: usize) -> (Vec<Seq>, bool) {
    let by = Principal::Server(key);
    let page = live(stores.there.history(by, page, limit).await);
    (seqs(&page.messages), page.more)
}

pub async fn the_newest_page_ends_with_the_last_message(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 7).await;
    for (limit, first, more) in [(3, 5, true), (6, 2, true), (7, 1, false), (200, 1, false)] {
        let expected = ((first..=7).collect(), more);
        assert_eq!(page(&stores, key, Page::Newest, limit).await, expected);
    }
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
        assert_eq!(read, up_to(10), "with pages of {limit}");
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
        assert_eq!(read, up_to(10), "with pages of {limit}");
    }
}

pub async fn a_page_of_long_texts_ends_early_at_the_far_end(stores: Stores) {
    let key = talk(&stores.here).await;
    let quarter = "x".repeat(PAGE_BYTES_MAX / 4);
    let rest = &quarter[1..];
    let texts = [&quarter, &quarter, rest, &quarter, "y", &quarter];
    let drafts = texts.map(|text| draft(key, Seat::One, text));
    append(&stores.here, &drafts).await;
    for (part, limit, expected) in [
        (Page::After(0), 200, (vec![1, 2, 3, 4, 5], true)),
        (Page::After(1), 200, (vec![2, 3, 4, 5, 6], false)),
        (Page::Newest, 200, (vec![2, 3, 4, 5, 6], true)),
        (Page::Before(6), 200, (vec![1, 2, 3, 4, 5], false)),
        (Page::After(0), 2, (vec![1, 2], true)),
    ] {
        assert_eq!(page(&stores, key, part, limit).await, expected, "{part:?}");
    }
}

pub async fn pages_outside_of_the_chat_are_empty(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 3).await;
    let far = i64::MAX as Seq;
    let behind = [3, 1_000, far].map(Page::After);
    for outside in behind.into_iter().chain([1, 0].map(Page::Before)) {
        let read = page(&stores, key, outside, 10).await;
        assert_eq!(read, (vec![], false), "{outside:?}");
    }
    let last = page(&stores, key, Page::Before(far), 2).await;
    assert_eq!(last, (vec![2, 3], true));
}

pub async fn an_empty_chat_has_an_empty_page(stores: Stores) {
    let key = chat(&stores.here).await;
    for empty in [Page::Newest, Page::After(0), Page::Before(1)] {
        let read = page(&stores, key, empty, 10).await;
        assert_eq!(read, (vec![], false), "{empty:?}");
    }
}

pub async fn positions_come_in_the_order_asked_for(stores: Stores) {
    let [empty, three, ended] = three_talks(&stores.here).await;
    fill(&stores.here, three, 3).await;
    fill(&stores.here, ended, 2).await;
    end(&stores.here, ended).await;
    let expired = expired_chat(&stores.here).await;
    let keys = [three, ended, key(), empty, expired, three];
    let expected = [Some(3), None, None, Some(0), None, Some(3)];
    let positions = answered(stores.there.positions(&keys).await);
    let last_seqs = positions.iter().map(|found| found.map(|at| at.last_seq));
    assert_eq!(last_seqs.collect::<Vec<_>>(), expected);
    assert_eq!(answered(stores.there.positions(&[]).await), []);
}

pub async fn a_position_contains_both_seats_marks(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 5).await;
    let (one, two) = (marks(4, 3), marks(5, 1));
    let writes = [(Seat::One, one), (Seat::Two, two)];
    let writes = writes.map(|(seat, marks)| (key, DeferredWrite::Marks(seat, marks)));
    write(&stores.here, &writes).await;
    let position = answered(stores.there.positions(&[key]).await)[0].unwrap();
    assert_eq!(position.marks.0, [one, two]);
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
    register(&stores.here, new).await;
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
    take(&stores.here, &returning(&first)).await;
    went_up("a second login").await;
    log_out(&stores.here, caller(&first)).await;
    went_up("an ended session").await;
    let other = caller(&take_seat(&stores.here, key, Seat::One).await);
    went_up("a login at the other seat").await;
    let wish = ask(Seat::Two, LONG);
    live(stores.here.ask(key, wish.clone()).await);
    went_up("a wish").await;
    let allow = AskAnswer::Allow { valid: LONG };
    answer(&stores.here, other, wish.ask_ref, allow).await;
    went_up("an answer").await;
    assert!(is_admitted(&stores.here, key, Seat::Two, Proof::Ask(wish.digest)).await);
    went_up("a wish that was used").await;
}

pub async fn a_revision_stays_with_messages_marks_and_times(stores: Stores) {
    let (key, claim) = seated(&stores.here).await;
    take_seat(&stores.here, key, Seat::Two).await;
    let before = revision(&stores, key).await;
    fill(&stores.here, key, 3).await;
    let now = store_now(&stores.here).await;
    let marked = DeferredWrite::Marks(Seat::One, marks(3, 3));
    let seen = DeferredWrite::LastSeen(Seat::One, now);
    write(&stores.here, &[(key, marked), (key, seen)]).await;
    use_session(&stores.here, &claim, LONG).await;
    assert_eq!(revision(&stores, key).await, before);
}

pub async fn a_page_is_read_by_a_living_session_alone(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 3).await;
    let reader = member(key, Seat::Two);
    let read = async |by: Caller| {
        let read = stores.there.history(by.into(), Page::Newest, 10).await;
        read.unwrap().map(|page| seqs(&page.messages))
    };
    assert_eq!(read(reader).await, Ok(vec![1, 2, 3]));
    for stranger in rejected_callers(&stores.here, reader).await {
        assert_eq!(read(stranger).await, Err(Denied::NoSession));
    }
    end(&stores.here, key).await;
    // That the chat is over is reported before that its sessions are.
    assert_eq!(read(reader).await, Err(Denied::Ended));
}

pub async fn sessions_are_checked_in_the_order_asked_for(stores: Stores) {
    let (key, over) = (talk(&stores.here).await, talk(&stores.here).await);
    fill(&stores.here, key, 3).await;
    let (one, two) = (member(key, Seat::One), member(key, Seat::Two));
    let [unknown, elsewhere, ended] = rejected_callers(&stores.here, one).await;
    end(&stores.here, over).await;
    let nowhere = member(super::fixture::key(), Seat::One);
    let (callers, expected): (Vec<_>, Vec<_>) = [
        (two, Ok(3)),
        (unknown, Err(Denied::NoSession)),
        (member(over, Seat::One), Err(Denied::Ended)),
        (one, Ok(3)),
        (nowhere, Err(Denied::Missing)),
        (elsewhere, Err(Denied::NoSession)),
        (two, Ok(3)),
        (ended, Err(Denied::NoSession)),
    ]
    .into_iter()
    .unzip();
    let checked = answered(stores.there.check_sessions(&callers).await);
    assert_eq!(checked, expected);
    assert_eq!(answered(stores.there.check_sessions(&[]).await), []);
    let expired = expired_chat(&stores.here).await;
    let late = [member(expired, Seat::One)];
    let checked = answered(stores.here.check_sessions(&late).await);
    assert_eq!(checked, [Err(Denied::Ended)]);
}
