//! An in-memory store for tests, which can be told to fail.

mod asks;
mod chats;
mod data;
mod faults;
mod messages;
mod record;
mod seats;
mod upkeep;

use std::sync::{Arc, Mutex, MutexGuard};

pub use self::faults::{Call, Hold};
use self::{data::Data, faults::Faults, record::Record};
use crate::{
    domain::{Caller, ChatKey, Seq, Timestamp},
    ports::{Access, Clock, Lookup, Principal, StoreError},
};

/// The in-memory store of one instance. Clones share it; [`another`](Self::another) is the store of another instance on
/// the same data.
#[derive(Clone)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
    lanes: usize,
}

impl MemoryStore {
    /// An empty store with this clock.
    pub fn new(clock: impl Clock) -> Self {
        Self {
            data: Arc::default(),
            clock: Arc::new(clock),
            faults: Arc::default(),
            lanes: 1,
        }
    }

    /// The store of another instance on the same data, without the faults set here.
    pub fn another(&self) -> Self {
        Self {
            faults: Arc::default(),
            ..self.clone()
        }
    }

    /// Makes the next calls of this kind fail as unavailable, without effect.
    pub fn fail_next(&self, call: Call, times: usize) {
        self.faults.fail_next(call, times);
    }

    /// Makes the next calls of this kind panic, without effect.
    pub fn panic_next(&self, call: Call, times: usize) {
        self.faults.panic_next(call, times);
    }

    /// How many of the requested panics have not happened yet.
    pub fn panics_left(&self, call: Call) -> usize {
        self.faults.panics_left(call)
    }

    /// Locks or unlocks a chat, as another transaction would.
    pub fn set_locked(&self, key: ChatKey, locked: bool) {
        self.faults.set_locked(key, locked);
    }

    /// Makes the next appends fail as unavailable after they were stored.
    pub fn lose_next_appends(&self, times: usize) {
        self.faults.lose_next_appends(times);
    }

    /// Makes calls of this kind wait before they have any effect, until the guard is dropped.
    pub fn hold(&self, call: Call) -> Hold {
        self.faults.hold(call)
    }

    /// Whether a call of this kind is waiting.
    pub fn is_waiting(&self, call: Call) -> bool {
        self.faults.is_waiting(call)
    }

    /// How many calls of this kind were made.
    pub fn calls(&self, call: Call) -> usize {
        self.faults.calls(call)
    }

    /// Refuses every batch that contains this text from now on.
    pub fn refuse_text(&self, text: &str) {
        self.faults.refuse_text(text);
    }

    /// The number of drafts of each append so far, including one that waits.
    pub fn batch_lens(&self) -> Vec<usize> {
        self.faults.batch_lens()
    }

    /// Loses the messages of a chat after this one, as a failover to a standby that lagged does.
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

    /// The data and the time, unless this call is to fail. Yields first, as a store over a socket would, so that
    /// concurrent callers arrive in any order.
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
        by: Principal,
        with: impl FnOnce(&mut Record, Timestamp) -> T + Send,
    ) -> Result<Access<T>, StoreError> {
        match by {
            Principal::Session(caller) => self.for_caller(call, &caller, with).await,
            Principal::Server(key) => {
                let found = self.with_chat(call, key, with).await?;
                Ok(found.if_session(true))
            }
        }
    }
}
