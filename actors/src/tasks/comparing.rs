//! Compares the pairs in memory with the store, many in one query.
//!
//! Each partition of the store has queries of its own, so that a slow or unreachable one does not delay the
//! others.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tracing::debug;

use crate::{
    PairRegistry,
    domain::{ChatKey, Position},
    pair::Signal,
    ports::StoreError,
    supervision::catch_panic,
};

/// Chats compared in one statement. They are asked one after the other, so that the memory that they take for a moment
/// does not grow with the chats.
const STATEMENT_LEN_MAX: usize = 1_000;
/// How long to wait before a partition that did not answer is asked again.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// Partitions that are due within this time are asked together, with one pass over the pairs.
const DUE_SLACK: Duration = Duration::from_millis(30);

/// How often a partition is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The shortest time between two queries.
    pub(crate) interval: Duration,
    /// The pause after a query, as a multiple of the time it took.
    pub(crate) pause_times: u32,
    /// The longest such pause.
    pub(crate) pause_max: Duration,
}

/// The chats to compare and the queries in flight.
pub(crate) struct Comparisons {
    pairs: PairRegistry,
    pace: Pace,
    parts: Vec<Part>,
    under_way: FuturesUnordered<BoxFuture<'static, (usize, Compared)>>,
}

/// The comparisons of one partition.
struct Part {
    is_busy: bool,
    /// The chats of the next query.
    wanted: HashSet<ChatKey>,
    /// How many chats the last query failed for.
    failed: usize,
    due: Instant,
    /// How long the last queries took. The shortest counts, so that one which waited for a connection does not
    /// delay the next ones.
    took: [Duration; 3],
}

/// A finished query.
pub(crate) struct Compared {
    /// The chats it was about.
    pub(crate) keys: Vec<ChatKey>,
    /// The chats it failed for; they go into the next query.
    failed: Vec<ChatKey>,
    began: Instant,
}

impl Comparisons {
    pub(crate) fn new(pairs: &PairRegistry, pace: Pace) -> Self {
        Self {
            pairs: pairs.clone(),
            pace,
            parts: (0..pairs.store().partitions())
                .map(|_| Part::new())
                .collect(),
            under_way: FuturesUnordered::new(),
        }
    }

    /// Queues chats for the next query of their partition.
    pub(crate) fn queue(&mut self, keys: impl IntoIterator<Item = ChatKey>) {
        for key in keys {
            let number = self.pairs.store().partition(key);
            self.parts[number].wanted.insert(key);
        }
    }

    /// Queues those of the chats whose partition is due; returns whether there are any. For the other partitions
    /// the caller comes again when they are due.
    pub(crate) fn queue_due(&mut self, keys: impl IntoIterator<Item = ChatKey>) -> bool {
        let due: Vec<bool> = self.parts.iter().map(Part::is_due).collect();
        let mut any = false;
        for key in keys {
            let number = self.pairs.store().partition(key);
            if due[number] {
                self.parts[number].wanted.insert(key);
                any = true;
            }
        }
        for (part, is_due) in self.parts.iter_mut().zip(due) {
            if is_due && part.wanted.is_empty() {
                part.due = Instant::now() + self.pace.interval;
            }
        }
        any
    }

    /// Whether a partition is due.
    pub(crate) fn is_due(&self) -> bool {
        self.parts.iter().any(Part::is_due)
    }

    /// Waits until a partition is due.
    pub(crate) fn until_due(&self) -> impl Future<Output = ()> + use<> {
        let idle = self.parts.iter().filter(|part| !part.is_busy);
        sleep_until(idle.map(|part| part.due).min())
    }

    /// For how many chats the last queries failed.
    pub(crate) fn failed(&self) -> usize {
        self.parts.iter().map(|part| part.failed).sum()
    }

    /// Starts the due queries and waits until one is finished. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Compared {
        loop {
            self.start();
            let wanted = self.parts.iter().filter(|part| part.is_wanted());
            let until_due = sleep_until(wanted.map(|part| part.due).min());
            tokio::select! {
                Some((number, compared)) = self.under_way.next() => {
                    self.settle(number, &compared);
                    return compared;
                }
                () = until_due => {}
            }
        }
    }

    fn start(&mut self) {
        let now = Instant::now();
        for (number, part) in self.parts.iter_mut().enumerate() {
            if part.is_wanted() && part.due <= now + DUE_SLACK {
                part.is_busy = true;
                let keys = std::mem::take(&mut part.wanted).into_iter().collect();
                let pairs = self.pairs.clone();
                let compared = async move { (number, compare(&pairs, keys).await) };
                self.under_way.push(Box::pin(compared));
            }
        }
    }

    fn settle(&mut self, number: usize, compared: &Compared) {
        let part = &mut self.parts[number];
        part.is_busy = false;
        part.failed = compared.failed.len();
        part.wanted.extend(&compared.failed);
        part.schedule(self.pace, compared.began, Instant::now());
    }
}

impl Part {
    fn new() -> Self {
        Self {
            is_busy: false,
            wanted: HashSet::new(),
            failed: 0,
            due: Instant::now(),
            took: [Duration::ZERO; 3],
        }
    }

    /// Schedules the next query after one that began at `began` and ended at `now`.
    fn schedule(&mut self, pace: Pace, began: Instant, now: Instant) {
        let pause = match self.failed {
            0 => {
                self.took.rotate_left(1);
                self.took[2] = now - began;
                let took = self.took.iter().min().copied().unwrap_or_default();
                pace.pause_max.min(took * pace.pause_times)
            }
            // The time of a failed query says nothing about what a successful one costs.
            _ => RETRY_AFTER,
        };
        self.due = (now + pause).max(began + pace.interval);
    }

    fn is_due(&self) -> bool {
        !self.is_busy && self.due <= Instant::now() + DUE_SLACK
    }

    fn is_wanted(&self) -> bool {
        !self.is_busy && !self.wanted.is_empty()
    }
}

/// Sleeps until `due`, or for ever.
async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Compares pairs with the store and signals those that are behind; the others are not woken.
async fn compare(pairs: &PairRegistry, keys: Vec<ChatKey>) -> Compared {
    let began = Instant::now();
    let mut failed = Vec::new();
    let mut parts = keys.chunks(STATEMENT_LEN_MAX).map(<[_]>::to_vec);
    let mut halves: Vec<Vec<ChatKey>> = Vec::new();
    while let Some(part) = halves.pop().or_else(|| parts.next()) {
        if !failed.is_empty() {
            // The partition does not answer, and would let each statement wait.
            failed.extend(part);
            continue;
        }
        let mut refused = compare_in_one_statement(pairs, part, &mut failed).await;
        // One chat is the cause. The audit compares it again.
        if refused.len() > 1 {
            let second_half = refused.split_off(refused.len() / 2);
            halves.extend([refused, second_half]);
        }
    }
    Compared {
        failed,
        keys,
        began,
    }
}

/// Adds the chats that the store could not be asked for to `failed`, and returns those that it refused.
async fn compare_in_one_statement(
    pairs: &PairRegistry,
    keys: Vec<ChatKey>,
    failed: &mut Vec<ChatKey>,
) -> Vec<ChatKey> {
    let known = keys
        .iter()
        .filter_map(|key| Some((*key, pairs.position(*key)?)));
    let (keys, asked): (Vec<ChatKey>, Vec<Position>) = known.unzip();
    let mut refused = Vec::new();
    if keys.is_empty() {
        return refused;
    }
    let positions = match catch_panic(pairs.store().positions(&keys)).await {
        Ok(positions) => positions,
        Err(panic) => {
            debug!(panic, "the pairs are compared with the store later");
            return keys;
        }
    };
    for ((key, asked), found) in keys.iter().zip(asked).zip(positions) {
        match found {
            // Mostly so, and then the pair need not be looked at again.
            Ok(found) if found == Some(asked) => {}
            Ok(found) => {
                let is_behind = |known| found.is_none_or(|found| found.is_ahead(&asked, &known));
                if pairs.position(*key).is_some_and(is_behind) {
                    pairs.signal(*key, Signal::Compared { asked, found });
                }
            }
            Err(failure) => {
                if failed.is_empty() && refused.is_empty() {
                    debug!(%failure, "some pairs are compared with the store later");
                }
                match failure {
                    StoreError::Refused(_) => refused.push(*key),
                    StoreError::Unavailable(_) | StoreError::NoRoom(_) => failed.push(*key),
                }
            }
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        interval: Duration::from_millis(300),
        pause_times: 9,
        pause_max: Duration::from_secs(4),
    };

    /// The pauses after queries that took this long, all in milliseconds.
    fn pauses(took_ms: &[u64], failed: usize) -> Vec<u128> {
        let mut part = Part::new();
        part.failed = failed;
        let mut pauses = Vec::new();
        for took in took_ms {
            let began = Instant::now();
            let over = began + Duration::from_millis(*took);
            part.schedule(PACE, began, over);
            pauses.push((part.due - over).as_millis());
        }
        pauses
    }

    #[test]
    fn one_or_two_slow_queries_do_not_delay_the_next_ones() {
        assert_eq!(pauses(&[5_000, 5_000, 10], 0), [0, 0, 290]);
        assert_eq!(pauses(&[10, 10, 10, 7_000, 7_000], 0)[3..], [90, 90]);
    }

    #[test]
    fn a_store_that_is_always_slow_is_asked_less_often_up_to_a_bound() {
        assert_eq!(pauses(&[100; 4], 0), [200, 200, 900, 900]);
        assert_eq!(pauses(&[2_000; 3], 0)[2], 4_000);
    }

    #[test]
    fn a_store_that_does_not_answer_is_asked_again_soon() {
        assert_eq!(pauses(&[7_000, 7_000, 7_000, 10], 3), [250, 250, 250, 290]);
    }
}
