//! The data of all chats.

use std::collections::HashMap;

use uuid::Uuid;

use super::record::Record;
use crate::{
    domain::{ChatKey, Timestamp},
    ports::{Access, Denied, Peer, Principal},
};

#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) chats: HashMap<ChatKey, Record>,
    /// The reserved keys, and when each reservation lapses.
    pub(super) reserved: HashMap<ChatKey, Timestamp>,
    pub(super) instances: HashMap<Uuid, Peer>,
}

impl Data {
    pub(super) fn lookup(&mut self, key: ChatKey, now: Timestamp) -> Access<&mut Record> {
        match self.chats.get_mut(&key) {
            None => Err(Denied::Missing),
            Some(record) if record.is_over(now) => Err(Denied::Ended),
            Some(record) => Ok(record),
        }
    }

    /// The chat, if the principal may act.
    pub(super) fn access(&mut self, by: Principal, now: Timestamp) -> Access<&mut Record> {
        match (by, self.lookup(by.key(), now)?) {
            (Principal::Session(caller), record) if !record.has_session(&caller) => {
                Err(Denied::NoSession)
            }
            (_, record) => Ok(record),
        }
    }

    /// The chat, if it is live.
    pub(super) fn live(&mut self, key: ChatKey, now: Timestamp) -> Option<&mut Record> {
        self.lookup(key, now).ok()
    }
}
