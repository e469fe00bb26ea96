//! The data of all chats.

use std::collections::HashMap;

use uuid::Uuid;

use super::record::Record;
use crate::{
    domain::{ChatKey, Timestamp},
    ports::{Access, Lookup, Peer, Principal},
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

    /// The chat, if whoever it is for may act.
    pub(super) fn access(&mut self, by: Principal, now: Timestamp) -> Access<&mut Record> {
        let found = self.lookup(by.key(), now);
        let may_act = match (by, &found) {
            (Principal::Session(caller), Lookup::Live(record)) => record.has_session(&caller),
            _ => true,
        };
        found.if_session(may_act)
    }

    /// The chat, if it is live.
    pub(super) fn live(&mut self, key: ChatKey, now: Timestamp) -> Option<&mut Record> {
        self.lookup(key, now).live().ok()
    }
}
