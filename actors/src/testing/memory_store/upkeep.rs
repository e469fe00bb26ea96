//! Expiry, deletion, health, and which instances share the store.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Call, MemoryStore, data::Data, record::Record};
use crate::{
    domain::{ChatKey, Timestamp},
    ports::{Peer, StoreError, Upkeep},
};

/// How long an ask is kept after it ended, so that its asker can see the outcome.
const ASK_KEPT: Duration = Duration::from_secs(600);

#[async_trait]
impl Upkeep for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.enter(Call::Other).await.map(|_| ())
    }

    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
        let (mut data, now) = self.enter(Call::Expire).await?;
        let due = |record: &Record| record.ended_at.is_none() && record.is_over(now);
        let due = data.chats.iter_mut().filter(|(_, record)| due(record));
        let ended = due.take(limit).map(|(key, record)| {
            record.end(now);
            *key
        });
        Ok(ended.collect())
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
        let (mut data, now) = self.enter(Call::Purge).await?;
        Ok(data.purge(limit, tombstone_life, now))
    }

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        let (mut data, _) = self.enter(Call::Beat).await?;
        let new = || Peer {
            boot: own,
            bus_address: bus_address.into(),
            beats: 0,
        };
        data.instances.entry(own).or_insert_with(new).beats += 1;
        // None of them ever counts as dead.
        let others = data.instances.values().filter(|peer| peer.boot != own);
        Ok(others.cloned().collect())
    }

    async fn count_chats(&self) -> Result<u64, StoreError> {
        let (data, now) = self.enter(Call::CountChats).await?;
        let living = data.chats.values().filter(|record| !record.is_over(now));
        Ok(living.count() as u64)
    }
}

impl Data {
    pub(super) fn purge(&mut self, limit: usize, life: Duration, now: Timestamp) -> usize {
        let mut left = limit;
        let mut takes = |over: bool| {
            let take = over && left > 0;
            left -= usize::from(take);
            take
        };
        self.reserved.retain(|_, until| !takes(*until <= now));
        for record in self.chats.values_mut() {
            for seat in &mut record.seats.0 {
                seat.device_code
                    .take_if(|device_code| takes(device_code.lapses <= now));
            }
            record
                .asks
                .retain(|record| !takes(record.ask.expires_at.plus(ASK_KEPT) <= now));
            if record.ended_at.is_some() {
                record.messages.retain(|_| !takes(true));
            }
        }
        self.chats.retain(|_, record| {
            let stood_long = |ended_at: Timestamp| ended_at.plus(life) <= now;
            let bare = record.messages.is_empty();
            !takes(bare && record.ended_at.is_some_and(stood_long))
        });
        limit - left
    }
}
