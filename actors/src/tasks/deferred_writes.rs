//! What may be stored a moment later: marks, and when somebody was last seen. Merged per seat and
//! session, and written together; what the store does not take is kept for the next round.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use prometheus::IntGauge;
use tracing::{error, info, warn};

use crate::{
    Metrics,
    domain::{ChatKey, Seat, SessionId},
    ports::{DeferredWrite, Store, StoreError},
    supervision::catch_panic,
};

/// How often what has gathered is written.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// How many writes to a partition may wait; past that, new ones are dropped, and clients send their marks
/// again.
const WAITING_MAX: usize = 200_000;
/// How many are written at once.
const WRITE_LEN_MAX: usize = 1_000;

/// The deferred writes of all chats of this instance. Clones are the same.
#[derive(Clone)]
pub(crate) struct DeferredWrites(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    metrics: Metrics,
    /// By the store's partition: one that does not answer holds up the writes of no other.
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
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
        let parts = (0..store.partitions()).map(|_| Part::default()).collect();
        Self(Arc::new(Shared {
            store,
            metrics,
            parts,
        }))
    }

    /// Queues a write; it replaces one about the same subject.
    pub(crate) fn push(&self, key: ChatKey, write: DeferredWrite) {
        let part = &self.0.parts[self.0.store.partition(key)];
        let mut waiting = part.waiting();
        let room = waiting.len() < WAITING_MAX;
        match waiting.entry((key, subject(&write))) {
            Entry::Occupied(mut before) => _ = before.insert(write),
            Entry::Vacant(vacant) if room => {
                vacant.insert(write);
                self.0.metrics.deferred_writes_len.inc();
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Writes what gathers, for ever.
    pub(crate) async fn run(self) {
        let parts = self.0.parts.iter().map(async |part| {
            loop {
                tokio::time::sleep(WRITE_INTERVAL).await;
                self.write_part(part).await;
            }
        });
        join_all(parts).await;
    }

    /// Writes everything that was queued before, and waits for what is being written already. What
    /// the store does not take now waits for the next round; what it will never take is dropped.
    pub(crate) async fn write_all(&self) {
        join_all(self.0.parts.iter().map(|part| self.write_part(part))).await;
    }

    async fn write_part(&self, part: &Part) {
        let mut writing = part.writing.lock().await;
        let mut taken = self.take(part);
        while let Some(writes) = taken.writes.last() {
            let failure = match catch_panic(self.0.store.write_deferred(writes)).await {
                Ok(Ok(())) => {
                    taken.pop();
                    continue;
                }
                Ok(Err(StoreError::Unavailable(failure) | StoreError::NoRoom(failure))) => {
                    if !std::mem::replace(&mut writing.failed, true) {
                        warn!(failure, "marks wait for the store");
                    }
                    return;
                }
                Ok(Err(StoreError::Refused(failure))) => failure,
                Err(panic) => panic,
            };
            if writes.len() > 1 {
                let mut writes = taken.writes.pop().unwrap_or_default();
                let second_half = writes.split_off(writes.len() / 2);
                taken.writes.extend([writes, second_half]);
            } else {
                taken.pop();
                error!(
                    failure,
                    "a deferred write is dropped: the store will never take it"
                );
            }
        }
        if std::mem::take(&mut writing.failed) {
            info!("marks are written again");
        }
    }

    fn take<'a>(&'a self, part: &'a Part) -> Taken<'a> {
        let writes: Vec<_> = std::mem::take(&mut *part.waiting())
            .into_iter()
            .map(|((key, _), write)| (key, write))
            .collect();
        Taken {
            part,
            len: &self.0.metrics.deferred_writes_len,
            writes: writes.chunks(WRITE_LEN_MAX).map(<[_]>::to_vec).collect(),
        }
    }
}

impl Part {
    fn waiting(&self) -> MutexGuard<'_, HashMap<(ChatKey, Subject), DeferredWrite>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes on their way to the store. Those that have not arrived are put back, also when whoever wrote
/// them gives up, unless something newer has come.
struct Taken<'a> {
    part: &'a Part,
    /// How many are not written, here and in all parts.
    len: &'a IntGauge,
    writes: Vec<Vec<(ChatKey, DeferredWrite)>>,
}

impl Taken<'_> {
    /// The last ones are done with.
    fn pop(&mut self) {
        let done = self.writes.pop().unwrap_or_default();
        self.len.sub(done.len() as i64);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = self.part.waiting();
        for (key, write) in self.writes.drain(..).flatten() {
            match waiting.entry((key, subject(&write))) {
                Entry::Vacant(vacant) => _ = vacant.insert(write),
                Entry::Occupied(_) => self.len.dec(),
            }
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
