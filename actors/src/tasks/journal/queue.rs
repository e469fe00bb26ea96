//! The drafts that wait for a lane's next commit.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use prometheus::IntGauge;
use tokio::sync::Notify;
use tracing::Span;

use std::sync::Arc;

use super::{CommitListener, Reply, Sent};
use crate::{
    Refusal,
    domain::{ChatKey, Draft},
};

/// A draft to be made durable.
pub(crate) struct Append {
    /// What to store.
    pub(crate) draft: Draft,
    /// Hears of it once it is committed: by then the chat's pair may be another one than now.
    pub(crate) listener: Arc<dyn CommitListener>,
    /// Where the sender waits.
    pub(crate) reply: Reply,
    /// What the log says of the request.
    pub(crate) span: Span,
}

impl Append {
    pub(super) fn answer(mut self, answer: Result<Sent, Refusal>) {
        self.reply.answer(answer);
    }
}

/// A bounded queue that is emptied by one lane.
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

    /// Puts a draft at the end, or refuses it where there is no room.
    pub(super) fn push(&self, append: Append) {
        {
            let mut waiting = self.waiting();
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

    /// Takes so many from the front at most, and leaves those of the chats that are held.
    pub(super) fn take(&self, len_max: usize, held: &HashSet<ChatKey>) -> Vec<Append> {
        let mut waiting = self.waiting();
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

    /// Ready when there may be more to take.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Append>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
