//! Writes that may be a moment late: marks, and when a seat or session was last seen. They are merged per seat and
//! session and written in batches; what the store does not take is kept for the next batch.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
    time::Duration,
};

use futures_util::future::join_all;
use parking_lot::Mutex;
use prometheus::IntGauge;
use tracing::{error, info, warn};

use crate::{
    Metrics,
    domain::{ChatKey, Seat, Seq, SessionId},
    ports::{DeferredWrite, Store, StoreError},
    supervision::catch_panic,
};

/// How often the queued writes are written.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// Writes that may be queued per partition. Further ones are dropped; clients send their marks again.
const WAITING_MAX: usize = 200_000;
/// Writes in one call of the store.
const WRITE_LEN_MAX: usize = 1_000;

/// The deferred writes of this instance. Clones share the queue.
#[derive(Clone)]
pub(crate) struct DeferredWrites(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    metrics: Metrics,
    /// By the store's partition, so that a slow one does not delay the others.
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    waiting: Mutex<HashMap<(ChatKey, Subject), DeferredWrite>>,
    /// How many are on their way to the store, and wait again if it does not take them.
    taken: AtomicUsize,
    /// Whether the last batch failed. Locked while writing, so that a flush also waits for the batch in flight.
    failed: tokio::sync::Mutex<bool>,
}

/// What a write is about: those about the same subject become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Marks(Seat),
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

    /// Queues a write, or raises a queued one about the same subject.
    pub(crate) fn push(&self, key: ChatKey, write: DeferredWrite) {
        let part = self.part(key);
        let mut waiting = part.waiting.lock();
        let room = waiting.len() + part.taken.load(Acquire) < WAITING_MAX;
        match waiting.entry((key, subject(&write))) {
            Entry::Occupied(mut before) => raise(before.get_mut(), write),
            Entry::Vacant(vacant) if room => {
                vacant.insert(write);
                self.0.metrics.deferred_writes_len.inc();
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Lowers the queued marks of a chat that has no messages after `last` any more.
    pub(crate) fn cap_marks(&self, key: ChatKey, last: Seq) {
        let mut waiting = self.part(key).waiting.lock();
        for (_, write) in waiting.iter_mut().filter(|((of, _), _)| *of == key) {
            if let DeferredWrite::Marks(_, marks) = write {
                *marks = marks.capped(last);
            }
        }
    }

    /// Writes the queue periodically, for ever.
    pub(crate) async fn run(self) {
        let parts = self.0.parts.iter().map(async |part| {
            loop {
                tokio::time::sleep(WRITE_INTERVAL).await;
                self.write_part(part).await;
            }
        });
        join_all(parts).await;
    }

    /// Writes everything that is queued, and waits for the batches in flight. What the store cannot take now stays
    /// queued; what it refuses for good is dropped.
    pub(crate) async fn write_all(&self) {
        join_all(self.0.parts.iter().map(|part| self.write_part(part))).await;
    }

    /// The same for the chat's partition of the store alone: another one may be unreachable.
    pub(crate) async fn write_beside(&self, key: ChatKey) {
        self.write_part(self.part(key)).await;
    }

    fn part(&self, key: ChatKey) -> &Part {
        &self.0.parts[self.0.store.partition(key)]
    }

    async fn write_part(&self, part: &Part) {
        let mut failed = part.failed.lock().await;
        let mut taken = self.take(part);
        while let Some(writes) = taken.writes.last() {
            let failure = match catch_panic(self.0.store.write_deferred(writes)).await {
                Ok(Ok(())) => {
                    taken.pop();
                    continue;
                }
                Ok(Err(StoreError::Unavailable(failure) | StoreError::NoRoom(failure))) => {
                    if !std::mem::replace(&mut *failed, true) {
                        warn!(failure, "deferred writes wait for the store");
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
                error!(failure, "a deferred write is dropped: the store refuses it");
            }
        }
        if std::mem::take(&mut *failed) {
            info!("deferred writes are written again");
        }
    }

    fn take<'a>(&'a self, part: &'a Part) -> Taken<'a> {
        let waiting = {
            let mut waiting = part.waiting.lock();
            part.taken.store(waiting.len(), Release);
            std::mem::take(&mut *waiting)
        };
        let writes: Vec<_> = waiting
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

/// Writes on their way to the store. On drop those that were not written go back into the queue.
struct Taken<'a> {
    part: &'a Part,
    /// The gauge of all unwritten writes.
    len: &'a IntGauge,
    writes: Vec<Vec<(ChatKey, DeferredWrite)>>,
}

impl Taken<'_> {
    /// Removes the last batch: written or refused.
    fn pop(&mut self) {
        let done = self.writes.pop().unwrap_or_default();
        self.part.taken.fetch_sub(done.len(), AcqRel);
        self.len.sub(done.len() as i64);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = self.part.waiting.lock();
        for (key, write) in self.writes.drain(..).flatten() {
            match waiting.entry((key, subject(&write))) {
                Entry::Vacant(vacant) => _ = vacant.insert(write),
                Entry::Occupied(mut newer) => {
                    raise(newer.get_mut(), write);
                    self.len.dec();
                }
            }
        }
        self.part.taken.store(0, Release);
    }
}

/// Makes one of two writes about the same subject. None moves back: a pair that is started while writes wait knows only
/// what the store has, and may queue a lower mark.
fn raise(write: &mut DeferredWrite, to: DeferredWrite) {
    match (write, to) {
        (DeferredWrite::Marks(_, marks), DeferredWrite::Marks(_, to)) => *marks = marks.raised(to),
        (DeferredWrite::LastSeen(_, at), DeferredWrite::LastSeen(_, to))
        | (DeferredWrite::Used(_, at), DeferredWrite::Used(_, to)) => *at = (*at).max(to),
        // Cannot happen: a subject has one kind of write.
        (write, to) => *write = to,
    }
}

fn subject(write: &DeferredWrite) -> Subject {
    match write {
        DeferredWrite::Marks(seat, _) => Subject::Marks(*seat),
        DeferredWrite::LastSeen(seat, _) => Subject::LastSeen(*seat),
        DeferredWrite::Used(session, _) => Subject::Used(*session),
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use futures_util::future::join;
    use prometheus::Registry;

    use super::*;
    use crate::{
        domain::Timestamp,
        testing::{Call, FakeClock, MemoryStore, eventually},
    };

    fn key(number: usize) -> ChatKey {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        ChatKey::from_bytes(bytes)
    }

    #[tokio::test]
    async fn no_more_wait_than_may_while_the_store_takes_its_time_and_then_takes_none() {
        let store = MemoryStore::with_partitions(1, FakeClock::default());
        let metrics = Metrics::register(&Registry::new());
        let deferred = DeferredWrites::new(Arc::new(store.clone()), metrics);
        let push = |numbers: std::ops::Range<usize>| {
            for number in numbers {
                let seen = DeferredWrite::LastSeen(Seat::One, Timestamp::from_unix_ms(0));
                deferred.push(key(number), seen);
            }
        };
        push(0..WAITING_MAX);
        let held = store.hold(Call::DeferredWrite);
        store.fail_next(Call::DeferredWrite, 1);
        let meanwhile = async {
            eventually("they are on their way", || async {
                store.is_waiting(Call::DeferredWrite)
            })
            .await;
            push(WAITING_MAX..WAITING_MAX + 10);
            drop(held);
        };
        join(deferred.write_all(), meanwhile).await;
        assert_eq!(deferred.0.parts[0].waiting.lock().len(), WAITING_MAX);
        deferred.write_all().await;
        push(0..1);
        assert_eq!(deferred.0.parts[0].waiting.lock().len(), 1);
    }
}
