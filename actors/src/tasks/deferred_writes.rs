//! What may be stored a moment later: marks, and when somebody was last seen. Merged per seat and
//! session, and written together; what the store does not take is kept for the next round.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::{error, info, warn};

use crate::{
    Metrics,
    domain::{ChatKey, Seat, SessionId},
    ports::{DeferredWrite, Store, StoreError},
    supervision::catch_panic,
};

/// How often what has gathered is written.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// How many writes may wait; past that, new ones are dropped, and clients send their marks again.
const WAITING_MAX: usize = 200_000;
/// How many are written at once.
const WRITE_LEN_MAX: usize = 1_000;

/// The deferred writes of all chats of this instance. Clones are the same.
#[derive(Clone)]
pub(crate) struct DeferredWrites(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    metrics: Metrics,
    waiting: Mutex<HashMap<(ChatKey, Subject), DeferredWrite>>,
    /// Locked by whoever writes, so that whoever flushes also waits for what is being written.
    writing: tokio::sync::Mutex<Writing>,
}

#[derive(Default)]
struct Writing {
    /// Whether the store did not take the last writes.
    failed: bool,
}

/// A later write about the same subject replaces the one that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    /// With the digest of the session's token.
    Marks(Seat, [u8; 32]),
    LastSeen(Seat),
    Used(SessionId),
}

impl DeferredWrites {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            store,
            metrics,
            waiting: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    /// Queues a write; it replaces one about the same subject.
    pub(crate) fn push(&self, key: ChatKey, write: DeferredWrite) {
        let mut waiting = self.waiting();
        let room = waiting.len() < WAITING_MAX;
        match waiting.entry((key, subject(&write))) {
            Entry::Occupied(mut before) => _ = before.insert(write),
            Entry::Vacant(vacant) if room => _ = vacant.insert(write),
            Entry::Vacant(_) => {}
        }
        self.count(&waiting);
    }

    /// Writes what gathers, for ever.
    pub(crate) async fn run(self) {
        loop {
            tokio::time::sleep(WRITE_INTERVAL).await;
            self.write_all().await;
        }
    }

    /// Writes everything that was queued before, and waits for what is being written already. What
    /// the store does not take now waits for the next round; what it will never take is dropped.
    pub(crate) async fn write_all(&self) {
        let mut writing = self.0.writing.lock().await;
        let mut taken = self.take();
        while let Some((partition, part)) = taken.parts.last() {
            let partition = *partition;
            if taken.kept.iter().any(|(away, _)| *away == partition) {
                taken.kept.extend(taken.parts.pop());
                continue;
            }
            let failure = match catch_panic(self.0.store.write_deferred(part)).await {
                Ok(Ok(())) => {
                    taken.parts.pop();
                    continue;
                }
                Ok(Err(StoreError::Unavailable(failure) | StoreError::NoRoom(failure))) => {
                    if !std::mem::replace(&mut writing.failed, true) {
                        warn!(failure, "marks wait for the store");
                    }
                    taken.kept.extend(taken.parts.pop());
                    continue;
                }
                Ok(Err(StoreError::Refused(failure))) => failure,
                Err(panic) => panic,
            };
            let (_, mut part) = taken.parts.pop().unwrap_or_default();
            let second_half = part.split_off(part.len() / 2);
            if part.is_empty() {
                error!(
                    failure,
                    "a deferred write is dropped: the store will never take it"
                );
            } else {
                taken
                    .parts
                    .extend([(partition, part), (partition, second_half)]);
            }
        }
        if taken.kept.is_empty() && std::mem::take(&mut writing.failed) {
            info!("marks are written again");
        }
        drop(taken);
        self.count(&self.waiting());
    }

    fn take(&self) -> Taken<'_> {
        let store = &self.0.store;
        let mut by_partition: Vec<Vec<_>> = vec![Vec::new(); store.partitions()];
        for ((key, _), write) in std::mem::take(&mut *self.waiting()) {
            by_partition[store.partition(key)].push((key, write));
        }
        let parts = by_partition
            .iter()
            .enumerate()
            .flat_map(|(partition, writes)| {
                let parts = writes.chunks(WRITE_LEN_MAX);
                parts.map(move |part| (partition, part.to_vec()))
            });
        Taken {
            writes: self,
            parts: parts.collect(),
            kept: Vec::new(),
        }
    }

    fn count(&self, waiting: &HashMap<(ChatKey, Subject), DeferredWrite>) {
        self.0.metrics.deferred_writes_len.set(waiting.len() as i64);
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<(ChatKey, Subject), DeferredWrite>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes to one partition of the store.
type Part = (usize, Vec<(ChatKey, DeferredWrite)>);

/// Writes on their way to the store. Those that have not arrived are put back, also when whoever wrote
/// them gives up, unless something newer has come.
struct Taken<'a> {
    writes: &'a DeferredWrites,
    parts: Vec<Part>,
    /// Those that the store could not take now.
    kept: Vec<Part>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = self.writes.waiting();
        let parts = self.parts.drain(..).chain(self.kept.drain(..));
        for (key, write) in parts.flat_map(|(_, part)| part) {
            waiting.entry((key, subject(&write))).or_insert(write);
        }
    }
}

fn subject(write: &DeferredWrite) -> Subject {
    match write {
        DeferredWrite::Marks(by, _) => Subject::Marks(by.seat, *by.session.as_bytes()),
        DeferredWrite::LastSeen(seat, _) => Subject::LastSeen(*seat),
        DeferredWrite::Used(session, _) => Subject::Used(*session),
    }
}
