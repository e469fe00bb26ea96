//! All the chats, and what concerns more than one of them.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use uuid::Uuid;

use super::record::Record;
use crate::{
    domain::{ChatKey, Timestamp},
    ports::{By, Ending, Lookup, NewChat, Peer, Registered},
};

/// How long an ask is kept once it is over, so that its asker learns how it went.
const ASK_KEPT: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub(super) struct Data {
    chats: HashMap<ChatKey, Record>,
    /// With the moment at which the key is free again.
    reserved: HashMap<ChatKey, Timestamp>,
    instances: HashMap<Uuid, Peer>,
}

impl Data {
    pub(super) fn lookup(&mut self, key: ChatKey, now: Timestamp) -> Lookup<&mut Record> {
        match self.chats.get_mut(&key) {
            None => Lookup::Missing,
            Some(record) if record.is_over(now) => Lookup::Ended,
            Some(record) => Lookup::Live(record),
        }
    }

    /// The chat, where it lives.
    pub(super) fn live(&mut self, key: ChatKey, now: Timestamp) -> Option<&mut Record> {
        match self.lookup(key, now) {
            Lookup::Live(record) => Some(record),
            Lookup::Missing | Lookup::Ended => None,
        }
    }

    /// An instance lives; answers the others. None is ever taken for dead.
    pub(super) fn beat(&mut self, own: Uuid, bus_address: &str) -> Vec<Peer> {
        let new = || Peer {
            boot: own,
            bus_address: bus_address.into(),
            beats: 0,
        };
        self.instances.entry(own).or_insert_with(new).beats += 1;
        let others = self.instances.values().filter(|peer| peer.boot != own);
        others.cloned().collect()
    }

    pub(super) fn reserve(&mut self, key: ChatKey, until: Timestamp) -> bool {
        let free = !self.chats.contains_key(&key);
        if free {
            self.reserved.insert(key, until);
        }
        free
    }

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
            (by == id && !record.is_over(now)).then(|| Registered::Before {
                key: *key,
                sealed: sealed.clone(),
                expires_at: record.expires_at,
                same_names: new.same_names(one, two, Some(record.both_named)),
                encryption: record.encryption,
            })
        })
    }

    pub(super) fn end(&mut self, by: By, now: Timestamp) -> Ending {
        match self.lookup(by.key(), now) {
            Lookup::Missing => Ending::Missing,
            Lookup::Ended => Ending::Before,
            Lookup::Live(record) => {
                if matches!(by, By::Session(caller) if !record.has_session(&caller)) {
                    return Ending::NoSession;
                }
                record.end(now);
                Ending::Ended
            }
        }
    }

    pub(super) fn expire(&mut self, limit: usize, now: Timestamp) -> Vec<ChatKey> {
        let due = |record: &Record| record.ended_at.is_none() && record.is_over(now);
        let due = self
            .chats
            .iter_mut()
            .filter(|(_, record)| due(record))
            .take(limit);
        due.map(|(key, record)| {
            record.end(now);
            *key
        })
        .collect()
    }

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

    pub(super) fn messages_kept(&self, key: ChatKey) -> usize {
        self.chats
            .get(&key)
            .map_or(0, |record| record.messages.len())
    }

    pub(super) fn count_chats(&self, now: Timestamp) -> u64 {
        self.chats
            .values()
            .filter(|record| !record.is_over(now))
            .count() as u64
    }
}
