//! The journal makes messages durable, those of many pairs in one transaction (group commit).
//!
//! A chat belongs to one lane, which keeps its order. While one commit of a lane is in flight the next batch
//! gathers: an idle lane commits a lone message at once, a busy one pays for one fsync per batch, and there is no
//! timer. The queue is bounded; a full one refuses.
//!
//! A chat that is locked in the store by another transaction delays no other: it is left out of the batch and
//! committed beside the lane, with its own later messages queued behind it.
//!
//! The lane publishes a message before the pair hears of it, so that a panic of the pair cannot lose the notice.

mod commit;
mod queue;
mod reply;

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use parking_lot::Mutex;

pub use self::reply::Sent;
use self::{commit::Done, queue::Queue};
pub(crate) use self::{
    queue::Append,
    reply::{CommittedMessage, Reply},
};
use crate::{
    Limits, Metrics,
    domain::ChatKey,
    ports::{Bus, Store},
};

/// Locked chats of one lane that are waited for at once; each needs a connection of the store.
const BESIDE_MAX: usize = 4;

/// All lanes. A chat's key decides its lane.
pub(crate) struct Journal {
    store: Arc<dyn Store>,
    /// Grouped by the store's partition.
    lanes: Vec<Arc<Lane>>,
}

/// The state of a lane, which outlives its task when that panics.
pub(crate) struct Lane {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    limits: Limits,
    metrics: Metrics,
    queue: Queue,
    /// Since when the store takes no messages.
    failing_since: Mutex<Option<Instant>>,
}

impl Journal {
    pub(crate) fn new(
        store: &Arc<dyn Store>,
        bus: &Arc<dyn Bus>,
        limits: Limits,
        metrics: &Metrics,
    ) -> Self {
        let lane = |_| {
            Arc::new(Lane {
                store: store.clone(),
                bus: bus.clone(),
                limits,
                metrics: metrics.clone(),
                queue: Queue::new(limits.journal_queue_len_max, &metrics.journal_queue_len),
                failing_since: Mutex::default(),
            })
        };
        Self {
            store: store.clone(),
            lanes: (0..store.partitions() * store.lanes().max(1))
                .map(lane)
                .collect(),
        }
    }

    /// The lanes; each needs a task that runs it.
    pub(crate) fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// Queues a draft in its chat's lane. When the queue is full, its `reply` is answered with a refusal.
    pub(crate) fn append(&self, append: Append) {
        let key = append.draft.key;
        let lanes = self.store.lanes().max(1);
        let lane = self.store.partition(key) * lanes + key.spread() % lanes;
        self.lanes[lane].queue.push(append);
    }
}

impl Lane {
    /// Commits batches, for ever. `committed` gets the messages of each chat that are durable and published.
    pub(crate) async fn run(self: Arc<Self>, committed: impl Fn(ChatKey, Vec<CommittedMessage>)) {
        let mut commits = FuturesUnordered::new();
        // Whether one of the commits is the lane's own batch; the others wait for locked chats.
        let mut committing = false;
        let mut locked: VecDeque<(ChatKey, Vec<Append>)> = VecDeque::new();
        // The locked chats, whose next messages stay in the queue.
        let mut held: HashSet<ChatKey> = HashSet::new();
        loop {
            if !committing {
                let batch = self.queue.take(self.limits.journal_batch_len_max, &held);
                committing = !batch.is_empty();
                if committing {
                    self.metrics.batch_len.observe(batch.len() as f64);
                    commits.push(self.commit(batch, None, &committed));
                }
            }
            while commits.len() - usize::from(committing) < BESIDE_MAX
                && let Some((key, batch)) = locked.pop_front()
            {
                commits.push(self.commit(batch, Some(key), &committed));
            }
            tokio::select! {
                biased;
                Some(done) = commits.next() => match done {
                    Done::Lane(left_out) => {
                        committing = false;
                        held.extend(left_out.iter().map(|(key, _)| *key));
                        locked.extend(left_out);
                    }
                    Done::Beside(key) => {
                        held.remove(&key);
                    }
                },
                () = self.queue.more(), if !committing => {}
            }
        }
    }
}
