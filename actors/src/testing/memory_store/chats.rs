//! Making, finding and ending chats.

use std::{collections::hash_map::Entry, time::Duration};

use async_trait::async_trait;

use super::{Call, MemoryStore, data::Data, record::Record};
use crate::{
    domain::{Chat, ChatKey, Position, Seat, Timestamp, UserName},
    ports::{
        Access, BatchResult, Chats, Denied, NewChat, Principal, Registered, StoreError,
        batch_result,
    },
};

#[async_trait]
impl Chats for MemoryStore {
    fn partitions(&self) -> usize {
        self.partitions
    }

    fn partition(&self, key: ChatKey) -> usize {
        key.spread() % self.partitions
    }

    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError> {
        let (mut data, now) = self.enter(Call::Other).await?;
        let free = !data.chats.contains_key(&key);
        if free {
            data.reserved.insert(key, now.plus(hold));
        }
        Ok(free)
    }

    async fn register(&self, new: NewChat) -> Result<Registered, StoreError> {
        let (mut data, now) = self.enter(Call::Other).await?;
        Ok(data.register(new, now))
    }

    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Access<bool>, StoreError> {
        self.with_chat(Call::Other, key, |record, _| record.name(Seat::Two, name))
            .await
    }

    async fn status(&self, key: ChatKey) -> Result<Access<()>, StoreError> {
        self.with_chat(Call::Status, key, |_, _| ()).await
    }

    async fn load(&self, key: ChatKey) -> Result<Access<Chat>, StoreError> {
        self.with_chat(Call::Load, key, |record, now| record.chat(key, now))
            .await
    }

    async fn positions(&self, keys: &[ChatKey]) -> BatchResult<Option<Position>> {
        let found = self.enter(Call::Positions).await;
        let found = found.and_then(|(mut data, now)| {
            self.faults.check_damage(keys)?;
            let position = |key: &ChatKey| Some(data.live(*key, now)?.position());
            Ok(keys.iter().map(position).collect())
        });
        batch_result(keys.len(), found)
    }

    async fn end(&self, by: Principal) -> Result<Access<()>, StoreError> {
        let (mut data, now) = self.enter(Call::End).await?;
        let found = data.access(by, now).map(|_| ());
        match data.chats.get_mut(&by.key()) {
            // One that has expired counts as ended and is still here, until this ends it.
            Some(record) if record.ended_at.is_none() && found != Err(Denied::NoSession) => {
                record.end(now);
                Ok(Ok(()))
            }
            _ => Ok(found),
        }
    }
}

impl Data {
    pub(super) fn register(&mut self, new: NewChat, now: Timestamp) -> Registered {
        if let Some(before) = self.made_before(&new, now) {
            return before;
        }
        let reserved = self
            .reserved
            .get(&new.key)
            .is_some_and(|until| now < *until);
        match self.chats.entry(new.key) {
            Entry::Occupied(_) => Registered::Taken,
            Entry::Vacant(_) if new.must_be_reserved && !reserved => Registered::NotReserved,
            Entry::Vacant(vacant) => {
                self.reserved.remove(&new.key);
                let expires_at = vacant.insert(Record::new(new, now)).expires_at;
                Registered::Made { expires_at }
            }
        }
    }

    fn made_before(&self, new: &NewChat, now: Timestamp) -> Option<Registered> {
        let (id, _) = new.registration.as_ref()?;
        self.chats.iter().find_map(|(key, record)| {
            let (by, sealed) = record.registration.as_ref()?;
            let [one, two] = &record.seats.0;
            let (one, two) = (one.state.name.as_ref(), two.state.name.as_ref());
            (by == id && !record.is_over(now)).then(|| Registered::Duplicate {
                key: *key,
                sealed: sealed.clone(),
                expires_at: record.expires_at,
                same_names: new.same_names(one, two, Some(record.both_named)),
                encryption: record.encryption,
            })
        })
    }
}
