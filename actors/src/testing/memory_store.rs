//! A store that keeps its promises for as long as the process lives, and breaks them on demand.

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
    ports::{Access, By, Clock, Lookup, StoreError},
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

    /// How many calls of this kind were made.
    pub fn calls(&self, call: Call) -> usize {
        self.faults.calls(call)
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
