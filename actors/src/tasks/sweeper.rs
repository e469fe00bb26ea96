//! The sweeper ends expired chats and deletes what is left of ended ones. The audit compares the pairs in memory with
//! the store, as a safety net under everything else that may be lost.

use std::time::{Duration, Instant};

use futures_util::future::join;
use tracing::{debug, info, warn};

use crate::{
    PairRegistry,
    domain::Notice,
    pair::Signal,
    ports::StoreError,
    tasks::comparing::{Comparisons, Pace},
};

/// Chats ended in one call.
const EXPIRE_LEN_MAX: usize = 200;
/// Rows deleted in one call; small, so that no other writer waits long.
const PURGE_LEN_MAX: usize = 2_000;
/// How long a tombstone is kept.
const TOMBSTONE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// The pause after counting the chats, as a multiple of the time it took: counting millions takes seconds. And the
/// longest such pause, because the time may have been spent waiting for a connection.
const COUNT_PAUSE: u32 = 100;
const COUNT_PAUSE_MAX: Duration = Duration::from_secs(600);

/// Sweeps for ever, at an interval and whenever a chat has ended.
pub(crate) async fn run(pairs: PairRegistry) {
    let interval = pairs.environment().limits.sweep_interval;
    let mut count_due = Instant::now();
    let mut deleting = Step::new(
        "ended chats are not deleted",
        "ended chats are deleted again",
    );
    let mut counting = Step::new("chats are not counted", "chats are counted again");
    loop {
        // All three run even if one fails.
        let expired = expire(&pairs).await;
        deleting.log(expired.and(purge(&pairs).await));
        let began = Instant::now();
        if began >= count_due {
            counting.log(count(&pairs).await);
            let took = began.elapsed();
            count_due = Instant::now() + COUNT_PAUSE_MAX.min(took * COUNT_PAUSE);
        }
        let woken = pairs.environment().sweep.notified();
        let _ = tokio::time::timeout(interval, woken).await;
    }
}

/// Logs the first failure of a step, and the first success after it.
struct Step {
    fails: &'static str,
    works_again: &'static str,
    failing_since: Option<Instant>,
}

impl Step {
    fn new(fails: &'static str, works_again: &'static str) -> Self {
        Self {
            fails,
            works_again,
            failing_since: None,
        }
    }

    fn log(&mut self, result: Result<(), StoreError>) {
        match (result, self.failing_since) {
            (Ok(()), Some(since)) => {
                self.failing_since = None;
                let seconds = since.elapsed().as_secs_f64();
                info!(seconds, "{}", self.works_again);
            }
            (Err(failure), None) => {
                self.failing_since = Some(Instant::now());
                warn!(%failure, "{}; retrying", self.fails);
            }
            _ => {}
        }
    }
}

/// How often the audit compares pairs with the store: those with open streams each time, the others in turn.
const AUDIT_INTERVAL: Duration = Duration::from_secs(1);
/// The number of turns: every pair is compared once in this many intervals.
const AUDIT_PARTS: usize = 10;
/// Every pair in its turn, however long the queries take.
const TURN_PACE: Pace = Pace {
    interval: AUDIT_INTERVAL,
    pause_times: 0,
    pause_max: Duration::ZERO,
};
/// Pairs with open streams, every interval. A few thousand take milliseconds; with tens of thousands the comparisons
/// become rarer, down to once per round of turns.
const WITH_STREAMS_PACE: Pace = Pace {
    interval: AUDIT_INTERVAL,
    pause_times: 49,
    pause_max: Duration::from_secs(AUDIT_PARTS as u64),
};

/// Audits for ever. A pair whose chat or sessions have ended ends the streams, and one that has missed messages reads
/// them. This finds losses that were not reported: notices that the bus accepted and lost, or changes made by another
/// program such as `duet end`.
pub(crate) async fn audit(pairs: PairRegistry) {
    join(compare_in_turn(&pairs), compare_with_streams(&pairs)).await;
}

async fn compare_in_turn(pairs: &PairRegistry) {
    let mut comparisons = Comparisons::new(pairs, TURN_PACE);
    for turn in (0..AUDIT_PARTS).cycle() {
        let next_turn = tokio::time::sleep(AUDIT_INTERVAL);
        tokio::pin!(next_turn);
        loop {
            tokio::select! {
                () = &mut next_turn => break,
                _ = comparisons.next() => {}
            }
        }
        comparisons.queue(
            pairs.keys(|key, status| !status.has_streams() && key.spread() % AUDIT_PARTS == turn),
        );
    }
}

async fn compare_with_streams(pairs: &PairRegistry) {
    let mut comparisons = Comparisons::new(pairs, WITH_STREAMS_PACE);
    loop {
        if comparisons.is_due() {
            comparisons.queue_due(pairs.keys(|_, status| status.has_streams()));
        }
        let due = comparisons.until_due();
        tokio::select! {
            // `next` first, so that due queries start before the pairs are scanned for more.
            biased;
            _ = comparisons.next() => {}
            () = due => {}
        }
    }
}

/// Ends expired chats.
async fn expire(pairs: &PairRegistry) -> Result<(), StoreError> {
    let environment = pairs.environment();
    let (store, bus) = (&environment.world.store, &environment.world.bus);
    loop {
        let expired = store.expire(EXPIRE_LEN_MAX).await?;
        if expired.is_empty() {
            return Ok(());
        }
        for key in &expired {
            environment.metrics.chats_expired.inc();
            bus.publish(*key, Notice::Ended { by: None });
            bus.forget(*key);
            pairs.signal(*key, Signal::Expired);
        }
    }
}

/// Deletes what is left of ended chats.
async fn purge(pairs: &PairRegistry) -> Result<(), StoreError> {
    let store = &pairs.environment().world.store;
    loop {
        let deleted = store.purge(PURGE_LEN_MAX, TOMBSTONE_LIFE).await?;
        if deleted == 0 {
            return Ok(());
        }
        debug!(rows = deleted, "deleted rows of ended chats");
    }
}

async fn count(pairs: &PairRegistry) -> Result<(), StoreError> {
    let environment = pairs.environment();
    let chats = environment.world.store.count_chats().await?;
    environment
        .metrics
        .chats_live
        .set(i64::try_from(chats).unwrap_or(i64::MAX));
    Ok(())
}
