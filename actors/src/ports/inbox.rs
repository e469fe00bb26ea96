//! The inbox: notices from the bus on their way to the pairs. It is bounded; when it is full, a notice's chat goes into
//! the set of chats that missed something.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use crate::domain::{ChatKey, Notice};

/// Chats that are remembered as having missed something. Past that, all chats count as having missed something.
const MISSED_LEN_MAX: usize = 200_000;

/// Where a bus delivers notices. Clones share the inbox.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    sender: mpsc::Sender<(ChatKey, Notice)>,
    /// Locked by the task that reads. The queue outlives that task when it panics.
    receiver: tokio::sync::Mutex<mpsc::Receiver<(ChatKey, Notice)>>,
    missed: Mutex<MissedChats>,
    something_missed: Notify,
}

/// Chats that may have missed something, each once however often it was reported.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct MissedChats {
    /// These chats.
    pub keys: HashSet<ChatKey>,
    /// Every chat.
    pub all: bool,
}

impl MissedChats {
    /// Whether nothing was missed.
    pub fn is_empty(&self) -> bool {
        !self.all && self.keys.is_empty()
    }
}

impl Inbox {
    /// An inbox for at most `notices_max` waiting notices.
    pub fn new(notices_max: usize) -> Self {
        let (sender, receiver) = mpsc::channel(notices_max);
        Self(Arc::new(Shared {
            sender,
            receiver: receiver.into(),
            missed: Mutex::default(),
            something_missed: Notify::new(),
        }))
    }

    /// Queues a notice; when the inbox is full, its chat is reported as missed.
    pub fn deliver(&self, key: ChatKey, notice: Notice) {
        if self.0.sender.try_send((key, notice)).is_err() {
            self.report_missed([key]);
        }
    }

    /// Reports that notices of these chats may have been lost.
    pub fn report_missed(&self, keys: impl IntoIterator<Item = ChatKey>) {
        {
            let mut missed = self.0.missed.lock();
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

    /// Reports that notices of any chat may have been lost.
    pub fn report_all_missed(&self) {
        *self.0.missed.lock() = MissedChats {
            keys: HashSet::new(),
            all: true,
        };
        self.0.something_missed.notify_one();
    }

    /// Waits for the next notice.
    pub async fn next(&self) -> (ChatKey, Notice) {
        let next = self.0.receiver.lock().await.recv().await;
        next.expect("the inbox itself holds a sender")
    }

    /// Waits until something was missed, and takes all of it.
    pub async fn next_missed(&self) -> MissedChats {
        loop {
            let missed = self.drain_missed();
            if !missed.is_empty() {
                return missed;
            }
            self.0.something_missed.notified().await;
        }
    }

    /// Takes everything that was missed so far.
    pub fn drain_missed(&self) -> MissedChats {
        std::mem::take(&mut *self.0.missed.lock())
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
    fn a_full_inbox_reports_the_chat_as_missed_once() {
        let inbox = Inbox::new(1);
        for _ in 0..100 {
            inbox.deliver(key(1), Notice::Sessions);
        }
        let missed = inbox.drain_missed();
        assert_eq!(missed.keys, HashSet::from([key(1)]));
        assert!(inbox.drain_missed().is_empty());
    }

    #[test]
    fn past_the_limit_all_chats_have_missed_something() {
        let inbox = Inbox::new(1);
        let keys = (0..=MISSED_LEN_MAX as u32).map(key);
        inbox.report_missed(keys);
        let missed = inbox.drain_missed();
        assert!(missed.all && missed.keys.is_empty());
    }
}
