//! An in-memory store for tests, which can be told to fail.

mod asks;
mod chats;
mod data;
mod faults;
mod messages;
mod record;
mod seats;
mod upkeep;

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

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
        (self.data.lock(), self.clock.now())
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
