//! Helpers of the claims.

mod logins;

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

pub(super) use self::logins::*;
pub(super) use crate::testing::{claim, digest, key, new_chat};
use crate::{
    domain::{
        Caller, ChatKey, Draft, Lifetime, Marks, Message, MessageText, Page, Seat, SecretDigest,
        Seq, Timestamp, UserName,
    },
    ports::{
        Access, Appended, ChatRoom, Claim, DeferredWrite, Denied, NewChat, Principal, Proof,
        Registered, Store,
    },
    testing::eventually,
};

/// More than any claim sends.
pub(super) const PLENTY: ChatRoom = ChatRoom {
    messages_max: 1_000_000,
    bytes_max: 1_000_000_000,
};
/// How many do the same thing at once where something races.
pub(super) const RACERS: usize = 50;
/// Far longer than any test takes.
pub(super) const LONG: Duration = Duration::from_secs(3600);
/// A lifetime that expires at once.
pub(super) const SHORT: Duration = Duration::from_millis(200);

/// A key for a registration with an `id`, as a server makes one.
pub(super) fn key_for(store: &Arc<dyn Store>, id: &SecretDigest) -> ChatKey {
    std::iter::repeat_with(key)
        .find(|key| store.accepts_key(*key, Some(id)))
        .expect("one of endlessly many keys accepts_key")
}

pub(super) fn name(text: &str) -> UserName {
    UserName::parse(text).expect("the claim uses names that parse")
}

/// Makes a chat between Abhi and Anny.
pub(super) async fn chat(store: &Arc<dyn Store>) -> ChatKey {
    let key = key();
    register(store, new_chat(key)).await;
    key
}

/// Makes a chat between Abhi and Anny, in which both are logged in.
pub(super) async fn talk(store: &Arc<dyn Store>) -> ChatKey {
    let key = chat(store).await;
    for seat in Seat::BOTH {
        take_seat(store, key, seat).await;
    }
    key
}

pub(super) async fn three_talks(store: &Arc<dyn Store>) -> [ChatKey; 3] {
    [talk(store).await, talk(store).await, talk(store).await]
}

/// The digest of the token that whoever first takes a seat gets.
pub(super) fn token_digest(key: ChatKey, seat: Seat) -> SecretDigest {
    let mut bytes = [seat.number(); 32];
    bytes[..16].copy_from_slice(key.as_bytes());
    SecretDigest::from_bytes(bytes)
}

/// Whoever first took a seat.
pub(super) fn member(key: ChatKey, seat: Seat) -> Caller {
    Caller {
        key,
        seat,
        session: token_digest(key, seat),
    }
}

/// Makes a chat with a short life, and waits until it is over.
pub(super) async fn expired_chat(store: &Arc<dyn Store>) -> ChatKey {
    let key = short_chat(store).await;
    until_over(store, key).await;
    key
}

/// Makes a chat with a short life.
pub(super) async fn short_chat(store: &Arc<dyn Store>) -> ChatKey {
    let new = NewChat {
        lifetime: Lifetime::of(SHORT),
        ..new_chat(key())
    };
    let key = new.key;
    register(store, new).await;
    key
}

pub(super) async fn until_over(store: &Arc<dyn Store>, key: ChatKey) {
    eventually("a chat's short life is over", || async {
        matches!(store.status(key).await, Ok(Err(Denied::Ended)))
    })
    .await;
}

/// Makes a chat; returns when it expires.
pub(super) async fn register(store: &Arc<dyn Store>, new: NewChat) -> Timestamp {
    match store.register(new).await.unwrap() {
        Registered::Made { expires_at } => expires_at,
        other => panic!("expected a fresh chat, got {other:?}"),
    }
}

/// Ends a living chat, as the server.
pub(super) async fn end(store: &Arc<dyn Store>, key: ChatKey) {
    live(store.end(Principal::Server(key)).await);
}

/// The answers to a call about many chats, none of which failed.
pub(super) fn answered<T, E: std::fmt::Debug>(answers: Vec<Result<T, E>>) -> Vec<T> {
    answers.into_iter().map(Result::unwrap).collect()
}

/// The value of a live chat. Takes the whole result, so that claims are one line.
pub(super) fn live<T: std::fmt::Debug, E: std::fmt::Debug>(found: Result<Access<T>, E>) -> T {
    match found {
        Ok(Ok(found)) => found,
        other => panic!("expected a living chat, got {other:?}"),
    }
}

/// The session that a claim has made.
pub(super) fn caller(claim: &Claim) -> Caller {
    Caller {
        key: claim.key,
        seat: claim.seat,
        session: claim.session.digest,
    }
}

/// Callers that a chat refuses: one without a session, one of the other seat, one whose session has ended.
pub(super) async fn rejected_callers(store: &Arc<dyn Store>, member: Caller) -> [Caller; 3] {
    let unknown = Caller {
        session: digest(),
        ..member
    };
    let elsewhere = Caller {
        seat: member.seat.other(),
        ..member
    };
    let code = digest();
    live(store.set_return_code(member, code).await);
    let claim = claim(member.key, member.seat, Some(Proof::ReturnCode(code)));
    take(store, &claim).await;
    let ended = caller(&claim);
    log_out(store, ended).await;
    [unknown, elsewhere, ended]
}

pub(super) fn text(text: &str) -> MessageText {
    MessageText::parse(text.into()).expect("the claim uses texts that parse")
}

pub(super) fn draft(key: ChatKey, seat: Seat, words: &str) -> Draft {
    Draft {
        key,
        seat,
        session: token_digest(key, seat),
        id: Uuid::new_v4(),
        text: text(words),
        sent_at: None,
    }
}

pub(super) async fn append(store: &Arc<dyn Store>, drafts: &[Draft]) -> Vec<Appended> {
    let mut appended = store.append(drafts, PLENTY).await.unwrap();
    assert_eq!(appended.len(), drafts.len(), "an outcome for each draft");
    // As the journal does: a locked chat is waited for separately.
    while let Some(first) = appended
        .iter()
        .position(|outcome| *outcome == Appended::Locked)
    {
        let same_chat = |draft: &&Draft| draft.key == drafts[first].key;
        let waiting: Vec<Draft> = drafts.iter().filter(same_chat).cloned().collect();
        let stored = store.append_waiting(&waiting, PLENTY).await.unwrap();
        let mut stored = stored.into_iter();
        for (draft, outcome) in drafts.iter().zip(&mut appended) {
            if same_chat(&draft) {
                assert_eq!(*outcome, Appended::Locked, "a chat is locked or it is not");
                *outcome = stored.next().expect("an outcome for each draft");
            }
        }
    }
    appended
}

/// Sends `count` messages in one batch, the two seats taking turns.
pub(super) async fn fill(store: &Arc<dyn Store>, key: ChatKey, count: usize) -> Vec<Draft> {
    let drafts: Vec<Draft> = (0..count)
        .map(|number| draft(key, Seat::BOTH[number % 2], &format!("text {number}")))
        .collect();
    stored_seqs(&append(store, &drafts).await);
    drafts
}

/// The `seq` of a draft that this call stored.
pub(super) fn stored(appended: &Appended) -> Seq {
    match appended {
        Appended::Stored { seq, .. } => *seq,
        other => panic!("expected a stored message, got {other:?}"),
    }
}

pub(super) fn stored_seqs(appended: &[Appended]) -> Vec<Seq> {
    appended.iter().map(stored).collect()
}

pub(super) fn is_duplicate(appended: &Appended) -> bool {
    matches!(appended, Appended::Duplicate { .. })
}

/// All messages of a chat.
pub(super) async fn all(store: &Arc<dyn Store>, key: ChatKey) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    loop {
        let after = messages.last().map_or(0, |message| message.seq);
        let (by, page) = (Principal::Server(key), Page::After(after));
        let page = live(store.history(by, page, 10_000).await);
        assert!(!page.messages.is_empty() || !page.more, "a page goes on");
        messages.extend(page.messages);
        if !page.more {
            return messages;
        }
    }
}

pub(super) fn seqs(messages: &[Message]) -> Vec<Seq> {
    messages.iter().map(|message| message.seq).collect()
}

/// The numbers from 1 to the last one.
pub(super) fn up_to(last: Seq) -> Vec<Seq> {
    (1..=last).collect()
}

pub(super) fn marks(delivered: Seq, read: Seq) -> Marks {
    Marks { delivered, read }
}

pub(super) async fn write(store: &Arc<dyn Store>, writes: &[(ChatKey, DeferredWrite)]) {
    store.write_deferred(writes).await.unwrap();
}

/// The store's own time, read off a device code that lapses as it is made.
pub(super) async fn store_now(store: &Arc<dyn Store>) -> Timestamp {
    let key = chat(store).await;
    let owner = take_seat(store, key, Seat::One).await;
    let lapses = store.set_device_code(caller(&owner), digest(), Duration::ZERO);
    live(lapses.await)
}

/// Waits until the store's own time has moved on by so much.
pub(super) async fn pass(store: &Arc<dyn Store>, time: Duration) {
    let until = store_now(store).await.plus(time);
    eventually("the store's time moves on", || async {
        store_now(store).await > until
    })
    .await;
}

/// Runs the same thing many times at once, on both instances in turn.
pub(super) async fn race<T, F>(
    stores: &super::Stores,
    racers: usize,
    run: impl Fn(Arc<dyn Store>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(racers));
    let racing: Vec<_> = (0..racers)
        .map(|number| {
            let store = [&stores.here, &stores.there][number % 2];
            let (start, racer) = (start.clone(), run(store.clone(), number));
            tokio::spawn(async move {
                start.wait().await;
                racer.await
            })
        })
        .collect();
    let answers = futures_util::future::join_all(racing).await;
    answers.into_iter().map(Result::unwrap).collect()
}
