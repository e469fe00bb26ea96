//! The chats of one shard: the subscriptions that are wanted and confirmed, and the presence that Redis should hold.

use std::collections::{HashMap, HashSet};

use actors::domain::{BySeat, ChatKey};
use tokio::sync::oneshot;

/// This instance's chats at one shard.
#[derive(Default)]
pub(super) struct Chats {
    /// The wanted subscriptions.
    wanted: HashSet<ChatKey>,
    /// Who waits for the confirmation of one.
    waiting: HashMap<ChatKey, Vec<oneshot::Sender<()>>>,
    /// The subscriptions that Redis has confirmed.
    confirmed: HashSet<ChatKey>,
    /// Chats whose subscription may have to change.
    touched: Vec<ChatKey>,
    /// The seats that have a stream open here.
    open: HashMap<ChatKey, BySeat<bool>>,
    /// Presence that is not written to Redis yet.
    unwritten: HashMap<ChatKey, PresenceWrite>,
}

/// A pending write of a chat's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PresenceWrite {
    /// Sets which seats are open here.
    Set(BySeat<bool>),
    /// Deletes the presence of all instances: the chat is over.
    Delete,
}

/// The state of one chat, on its way to the shard that serves it now.
pub(super) struct MovedChat {
    pub(super) key: ChatKey,
    wanted: bool,
    waiting: Option<Vec<oneshot::Sender<()>>>,
    open: Option<BySeat<bool>>,
    unwritten: Option<PresenceWrite>,
}

impl Chats {
    /// Requests a subscription. Returns a receiver for the confirmation, or `None` if it is confirmed already.
    pub(super) fn subscribe(&mut self, key: ChatKey) -> Option<oneshot::Receiver<()>> {
        self.wanted.insert(key);
        if self.confirmed.contains(&key) {
            return None;
        }
        let (confirm, confirmed) = oneshot::channel();
        self.waiting.entry(key).or_default().push(confirm);
        self.touched.push(key);
        Some(confirmed)
    }

    pub(super) fn unsubscribe(&mut self, key: ChatKey) {
        self.wanted.remove(&key);
        self.waiting.remove(&key);
        self.touched.push(key);
    }

    /// All wanted subscriptions, which miss something when the shard does.
    pub(super) fn wanted(&self) -> Vec<ChatKey> {
        self.wanted.iter().copied().collect()
    }

    /// Called for a new connection, which has no subscriptions.
    pub(super) fn start_over(&mut self) {
        self.confirmed.clear();
        self.touched = self.wanted();
    }

    /// Takes the chats to subscribe to and those to unsubscribe from. The latter no longer count as confirmed.
    pub(super) fn changes(&mut self) -> (Vec<ChatKey>, Vec<ChatKey>) {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        let touched: HashSet<_> = std::mem::take(&mut self.touched).into_iter().collect();
        for key in touched {
            match self.wanted.contains(&key) {
                true if !self.confirmed.contains(&key) => new.push(key),
                false if self.confirmed.remove(&key) => old.push(key),
                _ => {}
            }
        }
        (new, old)
    }

    /// Confirms a subscription. Returns whether somebody waited for it; if not, it was renewed and may have missed
    /// something.
    pub(super) fn confirm(&mut self, key: ChatKey) -> bool {
        self.confirmed.insert(key);
        let mut was_awaited = false;
        for waiting in self.waiting.remove(&key).unwrap_or_default() {
            was_awaited |= waiting.send(()).is_ok();
        }
        was_awaited
    }

    /// A subscription has ended or was refused. Returns whether it was confirmed, which means that this instance had not
    /// unsubscribed.
    pub(super) fn lose(&mut self, key: ChatKey) -> bool {
        self.touched.push(key);
        self.confirmed.remove(&key)
    }

    /// Sets which seats are open here; returns whether that must be written.
    pub(super) fn set_open(&mut self, key: ChatKey, open: BySeat<bool>) -> bool {
        let before = match open == BySeat::default() {
            true => self.open.remove(&key),
            false => self.open.insert(key, open),
        };
        let changed = before.unwrap_or_default() != open;
        if changed {
            self.unwritten.insert(key, PresenceWrite::Set(open));
        }
        changed
    }

    /// The chat is over.
    pub(super) fn forget(&mut self, key: ChatKey) {
        self.unsubscribe(key);
        self.open.remove(&key);
        self.unwritten.insert(key, PresenceWrite::Delete);
    }

    /// Queues the presence of all chats again, because Redis may have lost it or it is about to expire.
    pub(super) fn write_all_again(&mut self) {
        for (key, open) in &self.open {
            let write = PresenceWrite::Set(*open);
            self.unwritten.entry(*key).or_insert(write);
        }
    }

    /// Takes up to `len_max` pending writes.
    pub(super) fn take_unwritten(&mut self, len_max: usize) -> Vec<(ChatKey, PresenceWrite)> {
        let keys: Vec<ChatKey> = self.unwritten.keys().take(len_max).copied().collect();
        let take = |key| Some((key, self.unwritten.remove(&key)?));
        let taken = keys.into_iter().filter_map(take).collect();
        if self.unwritten.is_empty() {
            // It may have held all chats at once.
            self.unwritten = HashMap::new();
        }
        taken
    }

    /// Puts back a write that failed, unless there is a newer one.
    pub(super) fn put_back(&mut self, key: ChatKey, write: PresenceWrite) {
        self.unwritten.entry(key).or_insert(write);
    }

    /// Removes the chats that another shard serves now.
    pub(super) fn move_out(&mut self, here: impl Fn(ChatKey) -> bool) -> Vec<MovedChat> {
        let known = self.wanted.iter().chain(self.open.keys());
        let moved: HashSet<ChatKey> = known
            .chain(self.unwritten.keys())
            .filter(|key| !here(**key))
            .copied()
            .collect();
        let take = |key| {
            self.touched.push(key);
            MovedChat {
                key,
                wanted: self.wanted.remove(&key),
                waiting: self.waiting.remove(&key),
                open: self.open.remove(&key),
                unwritten: self.unwritten.remove(&key),
            }
        };
        moved.into_iter().map(take).collect()
    }

    /// Adds a chat that another shard served before. Its presence is written here too.
    pub(super) fn move_in(&mut self, moved: MovedChat) {
        let key = moved.key;
        if moved.wanted {
            self.wanted.insert(key);
            self.touched.push(key);
        }
        if let Some(waiting) = moved.waiting {
            self.waiting.insert(key, waiting);
        }
        if let Some(open) = moved.open {
            self.open.insert(key, open);
        }
        let write = moved.unwritten.or(moved.open.map(PresenceWrite::Set));
        if let Some(write) = write {
            self.unwritten.insert(key, write);
        }
    }
}
