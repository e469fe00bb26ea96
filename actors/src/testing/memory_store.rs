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
    domain::{ChatKey, Seq, Timestamp},
    ports::{Access, Clock, Principal, StoreError},
};

/// The in-memory store of one instance. Clones share it; [`another`](Self::another) is the store of another instance on
/// the same data.
#[derive(Clone)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    partitions: usize,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
}

impl MemoryStore {
    /// An empty store with this clock.
    pub fn new(clock: impl Clock) -> Self {
        Self::with_partitions(1, clock)
    }

    /// The same, with chats in several partitions.
    pub fn with_partitions(partitions: usize, clock: impl Clock) -> Self {
        Self {
            data: Arc::default(),
            partitions,
            clock: Arc::new(clock),
            faults: Arc::default(),
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
        let (data, _) = self.locked();
        data.chats
            .get(&key)
            .map_or(0, |record| record.messages.len())
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
    ) -> Result<Access<T>, StoreError> {
        let (mut data, now) = self.enter(call).await?;
        Ok(data.lookup(key, now).map(|record| with(record, now)))
    }

    /// The same, if the principal may act.
    async fn with_access<T>(
        &self,
        call: Call,
        by: impl Into<Principal> + Send,
        with: impl FnOnce(&mut Record, Timestamp) -> T + Send,
    ) -> Result<Access<T>, StoreError> {
        let (mut data, now) = self.enter(call).await?;
        Ok(data.access(by.into(), now).map(|record| with(record, now)))
    }
}
