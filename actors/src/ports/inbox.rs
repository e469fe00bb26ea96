//! What the bus brings, on its way to the pairs. It is bounded, and whatever has no room in it is not
//! lost in silence: its chat goes into the set of those that missed something.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, mpsc};

use super::Notice;
use crate::domain::ChatKey;

/// Chats that are remembered one by one as having missed something. Beyond that, all have.
const MISSED_LEN_MAX: usize = 200_000;

/// Where a bus puts what it brings. Clones are the same inbox.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    sender: mpsc::Sender<(ChatKey, Notice)>,
    /// Locked by the one task that reads; the queue outlives that task when it panics.
    receiver: tokio::sync::Mutex<mpsc::Receiver<(ChatKey, Notice)>>,
    missed: Mutex<Missed>,
    something_missed: Notify,
}

/// Chats that may have missed something, each once however often it was reported.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Missed {
    /// These chats have.
    pub keys: HashSet<ChatKey>,
    /// Every chat has.
    pub all: bool,
}

impl Missed {
    /// Whether nothing was missed.
    pub fn is_empty(&self) -> bool {
        !self.all && self.keys.is_empty()
    }
}

impl Inbox {
    /// An inbox in which so many notices may wait.
    pub fn new(notices_max: usize) -> Self {
        let (sender, receiver) = mpsc::channel(notices_max);
        Self(Arc::new(Shared {
            sender,
            receiver: receiver.into(),
            missed: Mutex::default(),
            something_missed: Notify::new(),
        }))
    }

    /// Takes a notice from another instance, or remembers that its chat has missed one.
    pub fn deliver(&self, key: ChatKey, notice: Notice) {
        if self.0.sender.try_send((key, notice)).is_err() {
            self.report_missed([key]);
        }
    }

    /// Notices of these chats may have been lost.
    pub fn report_missed(&self, keys: impl IntoIterator<Item = ChatKey>) {
        {
            let mut missed = self.missed_so_far();
            if !missed.all {
                missed.keys.extend(keys);
            }
            if missed.keys.len() > MISSED_LEN_MAX {
                missed.keys = HashSet::new();
                missed.all = true;
            }
        }
        self.0.something_missed.notify_one();
    }

    /// Notices of any chat may have been lost.
    pub fn report_all_missed(&self) {
        *self.missed_so_far() = Missed {
            keys: HashSet::new(),
            all: true,
        };
        self.0.something_missed.notify_one();
    }

    /// Waits for the next notice. One reader at a time gets them.
    pub async fn next(&self) -> (ChatKey, Notice) {
        let next = self.0.receiver.lock().await.recv().await;
        next.expect("the inbox itself holds a sender")
    }

    /// Waits until something was missed, and takes it.
    pub async fn missed(&self) -> Missed {
        loop {
            let missed = self.take_missed();
            if !missed.is_empty() {
                return missed;
            }
            self.0.something_missed.notified().await;
        }
    }

    /// Takes what was missed so far.
    pub fn take_missed(&self) -> Missed {
        std::mem::take(&mut *self.missed_so_far())
    }

    fn missed_so_far(&self) -> MutexGuard<'_, Missed> {
        self.0.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> ChatKey {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        ChatKey::from_bytes(bytes)
    }

    #[test]
    fn a_notice_without_room_is_a_chat_that_missed_something_once() {
        let inbox = Inbox::new(1);
        for _ in 0..100 {
            inbox.deliver(key(1), Notice::Sessions);
        }
        let missed = inbox.take_missed();
        assert_eq!(missed.keys, HashSet::from([key(1)]));
        assert!(inbox.take_missed().is_empty());
    }

    #[test]
    fn so_many_chats_that_they_are_not_told_apart_are_all_chats() {
        let inbox = Inbox::new(1);
        let keys = (0..=MISSED_LEN_MAX as u32).map(key);
        inbox.report_missed(keys);
        let missed = inbox.take_missed();
        assert!(missed.all && missed.keys.is_empty());
    }
}
