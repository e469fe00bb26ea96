//! The chats of one shard: which are wanted, which are subscribed to, and what Redis should hold
//! of each.

use std::collections::{HashMap, HashSet};

use actors::domain::{BySeat, ChatKey};
use tokio::sync::oneshot;

/// What this instance has to do with the chats of one shard.
#[derive(Default)]
pub(super) struct Chats {
    /// Those to be subscribed to, and who waits for it.
    wanted: HashMap<ChatKey, Vec<oneshot::Sender<()>>>,
    /// Those that Redis says are.
    confirmed: HashSet<ChatKey>,
    /// Those whose subscription may have to change.
    touched: Vec<ChatKey>,
    /// The seats that have a stream open here.
    open: HashMap<ChatKey, BySeat<bool>>,
    /// What Redis has not been told yet.
    unwritten: HashMap<ChatKey, Write>,
}

/// What is to be written about a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// Which seats are open here.
    Seats(BySeat<bool>),
    /// That there is no such chat any more, for any instance.
    Nothing,
}

/// Everything about one chat, on its way to the shard that serves it now.
pub(super) struct Moved {
    key: ChatKey,
    wanted: Option<Vec<oneshot::Sender<()>>>,
    open: Option<BySeat<bool>>,
    unwritten: Option<Write>,
}

impl Chats {
    /// Wants a chat; answers with what tells that it is subscribed to, unless it is already.
    pub(super) fn want(&mut self, key: ChatKey) -> Option<oneshot::Receiver<()>> {
        let waiting = self.wanted.entry(key).or_default();
        if self.confirmed.contains(&key) {
            return None;
        }
        let (tell, told) = oneshot::channel();
        waiting.push(tell);
        self.touched.push(key);
        Some(told)
    }

    pub(super) fn leave(&mut self, key: ChatKey) {
        self.wanted.remove(&key);
        self.touched.push(key);
    }

    /// All that are wanted: those that miss something when the shard does.
    pub(super) fn wanted(&self) -> Vec<ChatKey> {
        self.wanted.keys().copied().collect()
    }

    /// The connection is a new one, which is subscribed to nothing.
    pub(super) fn start_over(&mut self) {
        self.confirmed.clear();
        self.touched = self.wanted();
    }

    /// Which chats to subscribe to, and which to unsubscribe from. The latter do not count as
    /// subscribed to any more.
    pub(super) fn changes(&mut self) -> (Vec<ChatKey>, Vec<ChatKey>) {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for key in self.touched.drain(..).collect::<HashSet<_>>() {
            match self.wanted.contains_key(&key) {
                true if !self.confirmed.contains(&key) => new.push(key),
                false if self.confirmed.remove(&key) => old.push(key),
                _ => {}
            }
        }
        (new, old)
    }

    /// A subscription is confirmed. Answers whether somebody was waiting for it; if not, it was
    /// subscribed to before, and may have missed something.
    pub(super) fn confirm(&mut self, key: ChatKey) -> bool {
        self.confirmed.insert(key);
        let waiting = self.wanted.get_mut(&key).map(std::mem::take);
        let mut told = false;
        for waiting in waiting.unwrap_or_default() {
            told |= waiting.send(()).is_ok();
        }
        told
    }

    /// A subscription has ended, or was refused. Answers whether it counted as confirmed: then
    /// nobody here had asked for its end.
    pub(super) fn lose(&mut self, key: ChatKey) -> bool {
        self.touched.push(key);
        self.confirmed.remove(&key)
    }

    /// Sets which seats are open here; answers whether that is to be written.
    pub(super) fn set_open(&mut self, key: ChatKey, open: BySeat<bool>) -> bool {
        let before = match open == BySeat::default() {
            true => self.open.remove(&key),
            false => self.open.insert(key, open),
        };
        let changed = before.unwrap_or_default() != open;
        if changed {
            self.unwritten.insert(key, Write::Seats(open));
        }
        changed
    }

    /// The chat is over.
    pub(super) fn forget(&mut self, key: ChatKey) {
        self.leave(key);
        self.open.remove(&key);
        self.unwritten.insert(key, Write::Nothing);
    }

    /// Redis may have forgotten what is open, or is about to.
    pub(super) fn write_all_again(&mut self) {
        for (key, open) in &self.open {
            let write = Write::Seats(*open);
            self.unwritten.entry(*key).or_insert(write);
        }
    }

    /// Takes some of what is to be written.
    pub(super) fn take_unwritten(&mut self, len_max: usize) -> Vec<(ChatKey, Write)> {
        let keys: Vec<ChatKey> = self.unwritten.keys().take(len_max).copied().collect();
        let take = |key| Some((key, self.unwritten.remove(&key)?));
        keys.into_iter().filter_map(take).collect()
    }

    /// Takes back what was not written, unless there is news by now.
    pub(super) fn give_back(&mut self, key: ChatKey, write: Write) {
        self.unwritten.entry(key).or_insert(write);
    }

    /// Takes out what is served elsewhere now.
    pub(super) fn move_out(&mut self, here: impl Fn(ChatKey) -> bool) -> Vec<Moved> {
        let known = self.wanted.keys().chain(self.open.keys());
        let moved: HashSet<ChatKey> = known
            .chain(self.unwritten.keys())
            .filter(|key| !here(**key))
            .copied()
            .collect();
        let take = |key| {
            self.touched.push(key);
            Moved {
                key,
                wanted: self.wanted.remove(&key),
                open: self.open.remove(&key),
                unwritten: self.unwritten.remove(&key),
            }
        };
        moved.into_iter().map(take).collect()
    }

    /// Takes in what another shard served before. It is written here as well.
    pub(super) fn move_in(&mut self, moved: Moved) {
        let key = moved.key;
        if let Some(waiting) = moved.wanted {
            self.wanted.insert(key, waiting);
            self.touched.push(key);
        }
        if let Some(open) = moved.open {
            self.open.insert(key, open);
        }
        let write = moved.unwritten.or(moved.open.map(Write::Seats));
        if let Some(write) = write {
            self.unwritten.insert(key, write);
        }
    }
}

impl Moved {
    pub(super) fn key(&self) -> ChatKey {
        self.key
    }
}
