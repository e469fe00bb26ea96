use std::{collections::HashSet, sync::Arc};

use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, Page, Seat},
    ports::{Access, Appended, AskAnswer, Denied, Principal, SessionChoice, Store},
};

/// Ends a chat that may be over, or not exist.
async fn end_again(store: &Arc<dyn Store>, key: ChatKey) -> Access<()> {
    store.end(Principal::Server(key)).await.unwrap()
}

pub async fn a_chat_ends_once(stores: Stores) {
    let key = chat(&stores.here).await;
    end(&stores.here, key).await;
    for store in [&stores.here, &stores.there] {
        assert_eq!(end_again(store, key).await, Err(Denied::Ended));
        assert_eq!(store.status(key).await.unwrap(), Err(Denied::Ended));
    }
    let missing = end_again(&stores.here, super::fixture::key()).await;
    assert_eq!(missing, Err(Denied::Missing));
}

pub async fn one_of_many_racing_ends_counts(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 20).await;
    let endings = race(&stores, RACERS, |store, _| async move {
        end_again(&store, key).await
    })
    .await;
    let count = |wanted: Access<()>| endings.iter().filter(|ending| **ending == wanted).count();
    assert_eq!(count(Ok(())), 1);
    assert_eq!(count(Err(Denied::Ended)), RACERS - 1);
}

/// A chat with everything in it.
async fn full_chat(stores: &Stores) -> ChatKey {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 5).await;
    key
}

async fn assert_nothing_readable(stores: &Stores, key: ChatKey) {
    for store in [&stores.there, &stores.here] {
        assert_eq!(store.status(key).await.unwrap(), Err(Denied::Ended));
        assert!(matches!(store.load(key).await.unwrap(), Err(Denied::Ended)));
        for page in [Page::Newest, Page::After(0), Page::Before(3)] {
            let read = store.history(Principal::Server(key), page, 10).await;
            assert_eq!(read.unwrap(), Err(Denied::Ended));
        }
        assert_eq!(answered(store.positions(&[key]).await), [None]);
    }
}

/// No message, login or name is accepted.
async fn assert_nothing_changes(stores: &Stores, key: ChatKey) {
    let late = draft(key, Seat::One, "late");
    assert_eq!(append(&stores.there, &[late]).await, [Appended::Ended]);
    for seat in Seat::BOTH {
        let claimed = stores.there.take_seat(claim(key, seat, None)).await;
        assert_eq!(claimed.unwrap(), Err(Denied::Ended));
    }
    let named = stores.there.name_seat_two(key, &name("Anny")).await;
    assert_eq!(named.unwrap(), Err(Denied::Ended));
}

pub async fn nothing_of_an_ended_chat_can_be_read(stores: Stores) {
    let key = full_chat(&stores).await;
    let ask = ask(Seat::Two, LONG);
    live(stores.here.ask(key, ask.clone()).await);
    end(&stores.here, key).await;
    assert_nothing_readable(&stores, key).await;
    let asked = stores.there.ask_state(key, ask.digest).await;
    assert_eq!(asked.unwrap(), Err(Denied::Ended));
}

pub async fn nothing_can_be_done_in_an_ended_chat(stores: Stores) {
    let (key, one) = seated(&stores.here).await;
    let said = fill(&stores.here, key, 1).await.remove(0);
    let ask = ask(Seat::One, LONG);
    live(stores.here.ask(key, ask.clone()).await);
    end(&stores.here, key).await;

    assert_eq!(append(&stores.there, &[said]).await, [Appended::Ended]);
    assert_nothing_changes(&stores, key).await;
    let (by, refuse) = (caller(&one), AskAnswer::Refuse);
    let answered = stores.there.answer(by, ask.ask_ref, refuse).await;
    assert_eq!(answered.unwrap(), Err(Denied::Ended));
    let ended = stores.there.end_session(by, SessionChoice::Own).await;
    assert_eq!(ended.unwrap(), Err(Denied::Ended));
    let made = stores.there.set_device_code(by, digest(), LONG).await;
    assert_eq!(made.unwrap(), Err(Denied::Ended));
    let set = stores.there.set_return_code(by, digest()).await;
    assert_eq!(set.unwrap(), Err(Denied::Ended));
    let asked = stores.there.ask(key, super::fixture::ask(Seat::One, LONG));
    assert_eq!(asked.await.unwrap(), Err(Denied::Ended));
}

pub async fn an_end_spares_every_other_chat(stores: Stores) {
    let (ended, living) = (full_chat(&stores).await, full_chat(&stores).await);
    end(&stores.here, ended).await;
    while stores.here.purge(100, LONG).await.unwrap() > 0 {}
    assert_eq!(seqs(&all(&stores.there, living).await), [1, 2, 3, 4, 5]);
    assert_eq!(live(stores.there.load(living).await).sessions.len(), 2);
}

pub async fn a_message_racing_the_end_is_stored_before_it_or_not_at_all(stores: Stores) {
    for _ in 0..10 {
        let key = talk(&stores.here).await;
        let outcomes = race(&stores, 10, |store, number| async move {
            if number == 5 {
                end(&store, key).await;
                return None;
            }
            let drafts = [draft(key, Seat::One, "Hello"), draft(key, Seat::Two, "Hi")];
            Some(append(&store, &drafts).await)
        })
        .await;
        for outcome in outcomes.into_iter().flatten() {
            let both_stored = matches!(
                outcome[..],
                [Appended::Stored { .. }, Appended::Stored { .. }]
            );
            let both_ended = outcome == [Appended::Ended, Appended::Ended];
            assert!(both_stored || both_ended, "a batch came out as {outcome:?}");
        }
        assert_nothing_readable(&stores, key).await;
    }
}

pub async fn an_expired_chat_is_over_before_the_sweep(stores: Stores) {
    let key = short_chat(&stores.here).await;
    // On a slow machine the chat may have expired by now, which does no harm.
    let claim = claim(key, Seat::One, None);
    let _ = stores.here.take_seat(claim).await.unwrap();
    let hello = draft(key, Seat::One, "Hello");
    let _ = stores.here.append(&[hello], PLENTY).await.unwrap();
    until_over(&stores.here, key).await;

    assert_nothing_readable(&stores, key).await;
    assert_nothing_changes(&stores, key).await;
}

pub async fn an_expired_chat_is_ended_once_before_the_sweep(stores: Stores) {
    let key = expired_chat(&stores.here).await;
    assert_eq!(end_again(&stores.there, key).await, Ok(()));
    assert_eq!(end_again(&stores.here, key).await, Err(Denied::Ended));
    assert_eq!(stores.here.expire(100).await.unwrap(), []);
}

pub async fn the_sweep_ends_expired_chats_and_reports_each_once(stores: Stores) {
    let living = chat(&stores.here).await;
    let ended = chat(&stores.here).await;
    end(&stores.here, ended).await;
    let mut expired = HashSet::new();
    for _ in 0..3 {
        expired.insert(expired_chat(&stores.here).await);
    }
    let swept: HashSet<ChatKey> = stores.here.expire(100).await.unwrap().into_iter().collect();
    assert_eq!(swept, expired);
    assert_eq!(stores.there.expire(100).await.unwrap(), []);
    for key in expired {
        assert_nothing_readable(&stores, key).await;
        assert_eq!(end_again(&stores.here, key).await, Err(Denied::Ended));
    }
    assert_eq!(stores.here.status(living).await.unwrap(), Ok(()));
}

pub async fn the_sweep_ends_no_more_than_it_is_asked_to(stores: Stores) {
    let mut expired = HashSet::new();
    for _ in 0..5 {
        expired.insert(expired_chat(&stores.here).await);
    }
    let mut swept = HashSet::new();
    for expected in [2, 2, 1, 0] {
        let keys = stores.here.expire(2).await.unwrap();
        assert_eq!(keys.len(), expected);
        swept.extend(keys);
    }
    assert_eq!(swept, expired);
}

pub async fn living_chats_are_counted(stores: Stores) {
    assert_eq!(stores.here.count_chats().await.unwrap(), 0);
    let first = chat(&stores.here).await;
    chat(&stores.here).await;
    assert_eq!(stores.there.count_chats().await.unwrap(), 2);
    end(&stores.here, first).await;
    expired_chat(&stores.here).await;
    assert_eq!(stores.there.count_chats().await.unwrap(), 1);
    stores.here.expire(100).await.unwrap();
    assert_eq!(stores.there.count_chats().await.unwrap(), 1);
}

pub async fn a_chat_is_ended_by_a_living_session_alone(stores: Stores) {
    let key = talk(&stores.here).await;
    let member = member(key, Seat::Two);
    for stranger in rejected_callers(&stores.here, member).await {
        let ending = stores.there.end(stranger.into()).await.unwrap();
        assert_eq!(ending, Err(Denied::NoSession));
    }
    assert_eq!(stores.there.status(key).await.unwrap(), Ok(()));
    let ending = stores.there.end(member.into()).await.unwrap();
    assert_eq!(ending, Ok(()));
    let again = stores.here.end(member.into()).await.unwrap();
    assert_eq!(again, Err(Denied::Ended));
}
