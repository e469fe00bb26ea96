//! The data of all chats.

use std::collections::HashMap;

use uuid::Uuid;

use super::record::Record;
use crate::{
    domain::{ChatKey, Timestamp},
    ports::{Lookup, Peer},
};

#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) chats: HashMap<ChatKey, Record>,
    /// The reserved keys, and when each reservation lapses.
    pub(super) reserved: HashMap<ChatKey, Timestamp>,
    pub(super) instances: HashMap<Uuid, Peer>,
}

impl Data {
    pub(super) fn lookup(&mut self, key: ChatKey, now: Timestamp) -> Lookup<&mut Record> {
        match self.chats.get_mut(&key) {
            None => Lookup::Missing,
            Some(record) if record.is_over(now) => Lookup::Ended,
            Some(record) => Lookup::Live(record),
        }
    }

    /// The chat, if it is live.
    pub(super) fn live(&mut self, key: ChatKey, now: Timestamp) -> Option<&mut Record> {
        match self.lookup(key, now) {
            Lookup::Live(record) => Some(record),
            Lookup::Missing | Lookup::Ended => None,
        }
    }

    pub(super) fn messages_kept(&self, key: ChatKey) -> usize {
        self.chats
            .get(&key)
            .map_or(0, |record| record.messages.len())
    }
}
