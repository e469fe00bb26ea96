//! The queue of a lane.

use std::collections::{HashSet, VecDeque};

use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::sync::Notify;
use tracing::Span;

use super::{Reply, Sent};
use crate::{
    Refusal,
    domain::{ChatKey, Draft},
};

/// A draft to be made durable.
pub(crate) struct Append {
    /// The message to store.
    pub(crate) draft: Draft,
    /// Answers the sender.
    pub(crate) reply: Reply,
    /// The request's span.
    pub(crate) span: Span,
}

impl Append {
    pub(super) fn answer(mut self, answer: Result<Sent, Refusal>) {
        self.reply.answer(answer);
    }
}

/// A bounded queue with one consumer.
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Append>>,
    len_max: usize,
    len: IntGauge,
    more: Notify,
}

impl Queue {
    pub(super) fn new(len_max: usize, len: &IntGauge) -> Self {
        Self {
            waiting: Mutex::default(),
            len_max,
            len: len.clone(),
            more: Notify::new(),
        }
    }

    /// Appends a draft, or refuses it when the queue is full.
    pub(super) fn push(&self, append: Append) {
        {
            let mut waiting = self.waiting.lock();
            if waiting.len() >= self.len_max {
                drop(waiting);
                let full = Refusal::Unavailable("the journal's queue is full".into());
                return append.answer(Err(full));
            }
            waiting.push_back(append);
        }
        self.len.inc();
        self.more.notify_one();
    }

    /// Takes at most `len_max` from the front, except those of the `held` chats.
    pub(super) fn take(&self, len_max: usize, held: &HashSet<ChatKey>) -> Vec<Append> {
        let mut waiting = self.waiting.lock();
        let batch: Vec<Append> = if held.is_empty() {
            let len = waiting.len().min(len_max);
            waiting.drain(..len).collect()
        } else {
            let mut batch = Vec::new();
            let mut left = VecDeque::new();
            for append in waiting.drain(..) {
                match batch.len() < len_max && !held.contains(&append.draft.key) {
                    true => batch.push(append),
                    false => left.push_back(append),
                }
            }
            *waiting = left;
            batch
        };
        self.len.sub(batch.len() as i64);
        batch
    }

    /// Returns when there may be more to take.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }
}
