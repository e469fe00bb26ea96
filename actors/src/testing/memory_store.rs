//! A store that keeps its promises for as long as the process lives, and breaks them on demand.

mod asks;
mod data;
mod faults;
mod record;
mod seats;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use uuid::Uuid;

pub use self::faults::{Call, Hold};
use self::{
    data::Data,
    faults::Faults,
    record::{DeviceCode, Record},
};
use crate::{
    domain::{
        AskWord, Caller, Chat, ChatKey, CodeDigest, Draft, Page, Seat, SecretDigest, Seq,
        Timestamp, UserName,
    },
    ports::{
        Access, Answered, Appended, AskFound, By, ChatRoom, Claim, Claimed, Clock, DeferredWrite,
        Ending, HistoryPage, Lookup, NewAsk, NewChat, Peer, Position, Registered, Replaced,
        SessionChoice, Store, StoreError, Verdict,
    },
};

/// The in-memory store of one instance. A clone is the same instance's;
/// [`another`](Self::another) is another instance's on the same data.
#[derive(Clone)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
    lanes: usize,
}

impl MemoryStore {
    /// An empty store that goes by this clock.
    pub fn new(clock: impl Clock) -> Self {
        Self {
            data: Arc::default(),
            clock: Arc::new(clock),
            faults: Arc::default(),
            lanes: 1,
        }
    }

    /// The same data as another instance sees it: what goes wrong there does not go wrong here.
    pub fn another(&self) -> Self {
        Self {
            faults: Arc::default(),
            ..self.clone()
        }
    }

    /// The next so many calls of this kind fail as out of reach, and change nothing.
    pub fn fail_next(&self, call: Call, times: usize) {
        self.faults.fail_next(call, times);
    }

    /// The next so many calls of this kind panic, and change nothing.
    pub fn panic_next(&self, call: Call, times: usize) {
        self.faults.panic_next(call, times);
    }

    /// How many of the panics that were asked for have not happened yet.
    pub fn panics_left(&self, call: Call) -> usize {
        self.faults.panics_left(call)
    }

    /// Whether somebody else holds a chat: messages to it wait.
    pub fn set_locked(&self, key: ChatKey, locked: bool) {
        self.faults.set_locked(key, locked);
    }

    /// The next so many appends are stored, but answered as out of reach.
    pub fn lose_next_appends(&self, times: usize) {
        self.faults.lose_next_appends(times);
    }

    /// Calls of this kind wait, before they touch anything, for as long as the answer lives.
    pub fn hold(&self, call: Call) -> Hold {
        self.faults.hold(call)
    }

    /// Whether a call of this kind waits to be released.
    pub fn is_waiting(&self, call: Call) -> bool {
        self.faults.is_waiting(call)
    }

    /// A batch that holds this text is refused from now on.
    pub fn refuse_text(&self, text: &str) {
        self.faults.refuse_text(text);
    }

    /// How many drafts each append so far has brought, the one that waits included.
    pub fn batch_lens(&self) -> Vec<usize> {
        self.faults.batch_lens()
    }

    /// Loses the messages of a chat behind this one, as a standby does that takes over and lagged.
    pub fn lose_messages_after(&self, key: ChatKey, seq: Seq) {
        let (mut data, now) = self.locked();
        if let Some(record) = data.live(key, now) {
            record.lose_messages_after(seq);
        }
    }

    /// How many messages of a chat are kept, readable or not.
    pub fn messages_kept(&self, key: ChatKey) -> usize {
        self.locked().0.messages_kept(key)
    }

    /// The data and the time, unless this call was told to fail. Yields first, as a store over
    /// a socket would, so that racing callers meet here in any order.
    async fn enter(&self, call: Call) -> Result<(MutexGuard<'_, Data>, Timestamp), StoreError> {
        tokio::task::yield_now().await;
        self.faults.check(call).await?;
        Ok(self.locked())
    }

    fn locked(&self) -> (MutexGuard<'_, Data>, Timestamp) {
        let data = self
            .data
            .lock()
            .expect("nothing panics while it holds the data");
        (data, self.clock.now())
    }

    async fn with_chat<T>(
        &self,
        call: Call,
        key: ChatKey,
        with: impl FnOnce(&mut Record, Timestamp) -> T + Send,
    ) -> Result<Lookup<T>, StoreError> {
        let (mut data, now) = self.enter(call).await?;
        Ok(data.lookup(key, now).map(|record| with(record, now)))
    }

    /// The same, if the caller's session is alive.
    async fn for_caller<T>(
        &self,
        call: Call,
        caller: &Caller,
        with: impl FnOnce(&mut Record, Timestamp) -> T + Send,
    ) -> Result<Access<T>, StoreError> {
        let (mut data, now) = self.enter(call).await?;
        let found = data.lookup(caller.key, now);
        let alive = matches!(&found, Lookup::Live(record) if record.has_session(caller));
        Ok(found.if_session(alive).map(|record| with(record, now)))
    }

    async fn for_by<T>(
        &self,
        call: Call,
        by: By,
        with: impl FnOnce(&mut Record, Timestamp) -> T + Send,
    ) -> Result<Access<T>, StoreError> {
        match by {
            By::Session(caller) => self.for_caller(call, &caller, with).await,
            By::Server(key) => {
                let found = self.with_chat(call, key, with).await?;
                Ok(found.if_session(true))
            }
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn lanes(&self) -> usize {
        self.lanes
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.enter(Call::Other).await.map(|_| ())
    }

    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError> {
        let (mut data, now) = self.enter(Call::Other).await?;
        Ok(data.reserve(key, now.plus(hold)))
    }

    async fn register(&self, new: NewChat) -> Result<Registered, StoreError> {
        let (mut data, now) = self.enter(Call::Other).await?;
        Ok(data.register(new, now))
    }

    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Lookup<bool>, StoreError> {
        self.with_chat(Call::Other, key, |record, _| {
            let slot = &mut record.seats[Seat::Two].state.name;
            let free = slot.is_none();
            slot.get_or_insert_with(|| name.clone());
            record.revision += u64::from(free);
            free
        })
        .await
    }

    async fn status(&self, key: ChatKey) -> Result<Lookup<()>, StoreError> {
        self.with_chat(Call::Status, key, |_, _| ()).await
    }

    async fn load(&self, key: ChatKey) -> Result<Lookup<Chat>, StoreError> {
        self.with_chat(Call::Load, key, |record, now| record.chat(key, now))
            .await
    }

    async fn check_sessions(&self, callers: &[Caller]) -> Result<Vec<Access<Seq>>, StoreError> {
        let (mut data, now) = self.enter(Call::CheckSessions).await?;
        let mut check = |caller: &Caller| {
            let found = data.lookup(caller.key, now);
            let alive = matches!(&found, Lookup::Live(record) if record.has_session(caller));
            found.if_session(alive).map(|record| record.last_seq())
        };
        Ok(callers.iter().map(&mut check).collect())
    }

    async fn positions(&self, keys: &[ChatKey]) -> Result<Vec<Option<Position>>, StoreError> {
        let (mut data, now) = self.enter(Call::Positions).await?;
        let mut position = |key: &ChatKey| Some(data.live(*key, now)?.position());
        Ok(keys.iter().map(&mut position).collect())
    }

    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError> {
        self.faults.check_append(drafts).await?;
        let appended = {
            let (mut data, now) = self.locked();
            let mut append = |draft: &Draft| match data.lookup(draft.key, now) {
                Lookup::Live(_) if self.faults.is_locked(draft.key) => Appended::Locked,
                Lookup::Live(record) => record.append(draft, room, now),
                Lookup::Ended => Appended::Ended,
                Lookup::Missing => Appended::Missing,
            };
            drafts.iter().map(&mut append).collect()
        };
        self.faults.check_answer()?;
        Ok(appended)
    }

    async fn append_waiting(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
    ) -> Result<Vec<Appended>, StoreError> {
        while drafts.iter().any(|draft| self.faults.is_locked(draft.key)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.append(drafts, room).await
    }

    async fn history(
        &self,
        by: By,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError> {
        self.for_by(Call::History, by, |record, _| record.history(page, limit))
            .await
    }

    async fn take_seat(&self, claim: Claim) -> Result<Lookup<Claimed>, StoreError> {
        self.with_chat(Call::TakeSeat, claim.key, |record, now| {
            record.take_seat(&claim, now)
        })
        .await
    }

    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError> {
        self.for_caller(Call::Other, &by, |record, _| record.end_session(by, which))
            .await
    }

    async fn set_return_code(
        &self,
        by: Caller,
        code: CodeDigest,
    ) -> Result<Access<()>, StoreError> {
        self.for_caller(Call::Other, &by, |record, now| {
            record.set_return_code(by.seat, code, now)
        })
        .await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError> {
        self.for_caller(Call::Other, &by, |record, now| {
            let lapses = now.plus(valid);
            record.seats[by.seat].device_code = Some(DeviceCode {
                code,
                lapses,
                made_by: by.session,
            });
            lapses
        })
        .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Lookup<()>, StoreError> {
        self.with_chat(Call::Other, key, |record, now| record.ask(ask, now))
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<AskFound>, StoreError> {
        let (mut data, now) = self.enter(Call::Other).await?;
        Ok(data
            .live(key, now)
            .and_then(|record| record.ask_state(digest, now)))
    }

    async fn answer(
        &self,
        by: Caller,
        word: AskWord,
        verdict: Verdict,
    ) -> Result<Access<Answered>, StoreError> {
        self.for_caller(Call::Other, &by, |record, now| {
            record.answer(by, word, verdict, now)
        })
        .await
    }

    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError> {
        let (mut data, now) = self.enter(Call::Other).await?;
        Ok(data
            .live(key, now)
            .and_then(|record| record.replaced(digest)))
    }

    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError> {
        let (mut data, now) = self.enter(Call::DeferredWrite).await?;
        for (key, write) in writes {
            if let Some(record) = data.live(*key, now) {
                record.write_deferred(write);
            }
        }
        Ok(())
    }

    async fn end(&self, by: By) -> Result<Ending, StoreError> {
        let (mut data, now) = self.enter(Call::End).await?;
        Ok(data.end(by, now))
    }

    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
        let (mut data, now) = self.enter(Call::Expire).await?;
        Ok(data.expire(limit, now))
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
        let (mut data, now) = self.enter(Call::Purge).await?;
        Ok(data.purge(limit, tombstone_life, now))
    }

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        let (mut data, _) = self.enter(Call::Beat).await?;
        Ok(data.beat(own, bus_address))
    }

    async fn count_chats(&self) -> Result<u64, StoreError> {
        let (data, now) = self.enter(Call::CountChats).await?;
        Ok(data.count_chats(now))
    }
}
