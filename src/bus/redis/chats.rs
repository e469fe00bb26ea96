//! The chats of one shard: the subscriptions that are wanted and confirmed, and the presence that Redis should hold.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Instant,
};

use actors::domain::{BySeat, ChatKey};
use tokio::sync::oneshot;

use super::publisher::{NOBODY, OPEN_LIFE};

/// Closed chats that are remembered: 32 bytes each.
const CLOSED_LEN_MAX: usize = 100_000;

/// This instance's chats at one shard.
#[derive(Default)]
pub(super) struct Chats {
    /// In one map, because every open chat is in it.
    states: HashMap<ChatKey, State>,
    /// Who waits for the confirmation of a subscription.
    waiting: HashMap<ChatKey, Vec<oneshot::Sender<()>>>,
    /// Chats whose subscription may have to change.
    touched: Vec<ChatKey>,
    /// Presence that is not written to Redis yet.
    unwritten: HashMap<ChatKey, PresenceWrite>,
    /// When chats were closed here, the oldest first, for as long as a Redis that returns with older data could call them
    /// open.
    closed: VecDeque<(Instant, ChatKey)>,
}

/// What is known of one chat. The default is the same as not being in the map.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct State {
    /// Whether the subscription is wanted.
    wanted: bool,
    /// Whether Redis has confirmed the subscription.
    confirmed: bool,
    /// The seats that have a stream open here.
    open: BySeat<bool>,
}

/// A pending write of a chat's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PresenceWrite {
    /// Sets which seats are open here.
    Set(BySeat<bool>),
    /// Deletes the presence of all instances: the chat is over.
    Delete,
}

impl State {
    /// What Redis should hold, if anything.
    fn presence(self) -> Option<PresenceWrite> {
        (self.open != NOBODY).then_some(PresenceWrite::Set(self.open))
    }
}

/// The state of one chat, on its way to the shard that serves it now.
pub(super) struct MovedChat {
    pub(super) key: ChatKey,
    state: State,
    waiting: Option<Vec<oneshot::Sender<()>>>,
    unwritten: Option<PresenceWrite>,
    was_closed: bool,
}

impl Chats {
    fn state(&self, key: ChatKey) -> State {
        self.states.get(&key).copied().unwrap_or_default()
    }

    /// Changes the state of a chat and returns what it was before.
    fn update(&mut self, key: ChatKey, change: impl FnOnce(&mut State)) -> State {
        let before = self.state(key);
        let mut state = before;
        change(&mut state);
        match state == State::default() {
            true => self.states.remove(&key),
            false => self.states.insert(key, state),
        };
        before
    }

    /// Requests a subscription. Returns a receiver for the confirmation, or `None` if it is confirmed already.
    pub(super) fn subscribe(&mut self, key: ChatKey) -> Option<oneshot::Receiver<()>> {
        if self.update(key, |chat| chat.wanted = true).confirmed {
            return None;
        }
        let (confirm, confirmed) = oneshot::channel();
        self.waiting.entry(key).or_default().push(confirm);
        self.touched.push(key);
        Some(confirmed)
    }

    pub(super) fn unsubscribe(&mut self, key: ChatKey) {
        self.update(key, |chat| chat.wanted = false);
        self.waiting.remove(&key);
        self.touched.push(key);
    }

    /// All wanted subscriptions, which miss something when the shard does.
    pub(super) fn wanted(&self) -> Vec<ChatKey> {
        let states = self.states.iter();
        let wanted = states.filter_map(|(key, chat)| chat.wanted.then_some(*key));
        wanted.collect()
    }

    /// Called for a new connection, which has no subscriptions.
    pub(super) fn start_over(&mut self) {
        self.states.retain(|_, chat| {
            chat.confirmed = false;
            *chat != State::default()
        });
        self.touched = self.wanted();
    }

    /// Takes the chats to subscribe to and those to unsubscribe from. The latter no longer count as confirmed.
    pub(super) fn changes(&mut self) -> (Vec<ChatKey>, Vec<ChatKey>) {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        let touched: HashSet<_> = std::mem::take(&mut self.touched).into_iter().collect();
        for key in touched {
            let chat = self.state(key);
            match (chat.wanted, chat.confirmed) {
                (true, false) => new.push(key),
                (false, true) => {
                    self.update(key, |chat| chat.confirmed = false);
                    old.push(key);
                }
                _ => {}
            }
        }
        (new, old)
    }

    /// Confirms a subscription. Returns whether somebody waited for it; if not, it was renewed and may have missed
    /// something.
    pub(super) fn confirm(&mut self, key: ChatKey) -> bool {
        self.update(key, |chat| chat.confirmed = true);
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
        self.update(key, |chat| chat.confirmed = false).confirmed
    }

    /// Sets which seats are open here; returns whether that must be written.
    pub(super) fn set_open(&mut self, key: ChatKey, open: BySeat<bool>) -> bool {
        let changed = self.change_open(key, open);
        if changed {
            self.unwritten.insert(key, PresenceWrite::Set(open));
        }
        changed
    }

    /// The chat is over.
    pub(super) fn forget(&mut self, key: ChatKey) {
        self.unsubscribe(key);
        self.change_open(key, NOBODY);
        self.unwritten.insert(key, PresenceWrite::Delete);
    }

    fn change_open(&mut self, key: ChatKey, open: BySeat<bool>) -> bool {
        let changed = self.update(key, |chat| chat.open = open).open != open;
        if changed && open == NOBODY {
            self.remember_closed(key);
        }
        changed
    }

    fn remember_closed(&mut self, key: ChatKey) {
        self.closed.push_back((Instant::now(), key));
        self.forget_closed();
    }

    /// Forgets the chats that were closed so long ago that their presence has expired anywhere, and the oldest of too many.
    fn forget_closed(&mut self) {
        while let Some((at, _)) = self.closed.front()
            && (at.elapsed() >= OPEN_LIFE || self.closed.len() > CLOSED_LEN_MAX)
        {
            self.closed.pop_front();
        }
    }

    /// Queues the presence of all open chats again, because it is about to expire.
    pub(super) fn write_open_again(&mut self) {
        self.forget_closed();
        for (key, chat) in &self.states {
            if let Some(write) = chat.presence() {
                self.unwritten.entry(*key).or_insert(write);
            }
        }
    }

    /// Queues all presence again, because Redis may have lost it, or returned with older data.
    pub(super) fn write_all_again(&mut self) {
        self.write_open_again();
        for (_, key) in &self.closed {
            let write = PresenceWrite::Set(NOBODY);
            self.unwritten.entry(*key).or_insert(write);
        }
    }

    /// Whether writes are pending.
    pub(super) fn has_unwritten(&self) -> bool {
        !self.unwritten.is_empty()
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
        let closed: HashSet<ChatKey> = self.closed.iter().map(|(_, key)| *key).collect();
        self.closed.retain(|(_, key)| here(*key));
        let known = self.states.keys().chain(self.unwritten.keys());
        let known = known.chain(&closed);
        let moved: HashSet<ChatKey> = known.filter(|key| !here(**key)).copied().collect();
        let take = |key| {
            self.touched.push(key);
            MovedChat {
                key,
                state: self.update(key, |chat| {
                    (chat.wanted, chat.open) = (false, NOBODY);
                }),
                waiting: self.waiting.remove(&key),
                unwritten: self.unwritten.remove(&key),
                was_closed: closed.contains(&key),
            }
        };
        moved.into_iter().map(take).collect()
    }

    /// Adds a chat that another shard served before. Its presence is written here too.
    pub(super) fn move_in(&mut self, moved: MovedChat) {
        let MovedChat { key, state, .. } = moved;
        if state.wanted {
            self.update(key, |chat| chat.wanted = true);
            self.touched.push(key);
        }
        if let Some(waiting) = moved.waiting {
            self.waiting.insert(key, waiting);
        }
        if state.presence().is_some() {
            self.update(key, |chat| chat.open = state.open);
        }
        if moved.was_closed {
            self.remember_closed(key);
        }
        let closed = moved.was_closed.then_some(PresenceWrite::Set(NOBODY));
        if let Some(write) = moved.unwritten.or(state.presence()).or(closed) {
            self.unwritten.insert(key, write);
        }
    }
}
