//! Ends chats whose time is over, deletes what is left of those that ended, and, as the last net
//! under everything that is lost on the way, compares the pairs in memory with the store.

use std::time::{Duration, Instant};

use futures_util::future::join;
use tracing::{debug, info, warn};

use crate::{
    PairRegistry,
    pair::{News, Over},
    ports::{Notice, StoreError},
    tasks::comparing::{Comparisons, Pace},
};

/// Chats ended in one go.
const EXPIRE_LEN_MAX: usize = 200;
/// Rows deleted in one go, so that no other writer waits long.
const PURGE_LEN_MAX: usize = 2_000;
/// How long a tombstone stands.
const TOMBSTONE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// The chats are not counted again for so many times as long as it took, since to count millions takes
/// seconds, and for no longer than this, since it may have been waited for an answer.
const COUNT_PAUSE: u32 = 100;
const COUNT_PAUSE_MAX: Duration = Duration::from_secs(600);

/// Sweeps for ever, at an interval or when woken because a chat has just ended.
pub(crate) async fn run(pairs: PairRegistry) {
    let interval = pairs.environment().limits.sweep_interval;
    let mut count_due = Instant::now();
    let mut failing_since: Option<Instant> = None;
    loop {
        // One that fails keeps none of the others from being done.
        let mut swept = expire(&pairs).await;
        swept = swept.and(purge(&pairs).await);
        let began = Instant::now();
        if began >= count_due {
            swept = swept.and(count(&pairs).await);
            let took = began.elapsed();
            count_due = Instant::now() + COUNT_PAUSE_MAX.min(took * COUNT_PAUSE);
        }
        match (swept, failing_since) {
            (Ok(()), Some(since)) => {
                failing_since = None;
                let seconds = since.elapsed().as_secs_f64();
                info!(seconds, "ended chats are deleted again");
            }
            (Err(failure), None) => {
                failing_since = Some(Instant::now());
                warn!(%failure, "ended chats are not deleted; it is tried again and again");
            }
            // One line when it begins and one when it is over.
            _ => {}
        }
        let woken = pairs.environment().sweep.notified();
        let _ = tokio::time::timeout(interval, woken).await;
    }
}

/// How often pairs are compared with the store: those with open streams each time, of the others a part.
const AUDIT_INTERVAL: Duration = Duration::from_secs(1);
/// In how many parts, so that each pair's turn comes every so many intervals.
const AUDIT_PARTS: usize = 10;
/// Each pair in its turn, however long that takes.
const TURN_PACE: Pace = Pace {
    interval: AUDIT_INTERVAL,
    pause_times: 0,
    pause_max: Duration::ZERO,
};
/// Those with open streams out of turn. A few thousand take milliseconds; past some ten thousand their
/// comparisons become rarer, until they come as often as their turn.
const STREAMED_PACE: Pace = Pace {
    interval: AUDIT_INTERVAL,
    pause_times: 49,
    pause_max: Duration::from_secs(AUDIT_PARTS as u64),
};

/// Compares for ever: a pair whose chat was ended behind its back ends its streams, and so it ends those
/// of sessions that ended; one that has missed messages reads them. This finds what nobody reported as
/// missed: a notice that the bus took and lost, or a change by a program beside this one.
pub(crate) async fn audit(pairs: PairRegistry) {
    join(compare_in_turn(&pairs), compare_streamed(&pairs)).await;
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
        comparisons.want(pairs.keys(|key| key.spread() % AUDIT_PARTS == turn));
    }
}

async fn compare_streamed(pairs: &PairRegistry) {
    let mut comparisons = Comparisons::new(pairs, STREAMED_PACE);
    loop {
        if comparisons.is_due() {
            comparisons.want_due(pairs.streamed_keys(|_| true));
        }
        let due = comparisons.until_due();
        tokio::select! {
            // First what is due is asked, and then what is due is looked for.
            biased;
            _ = comparisons.next() => {}
            () = due => {}
        }
    }
}

/// Ends the chats whose time is over.
async fn expire(pairs: &PairRegistry) -> Result<(), StoreError> {
    let environment = pairs.environment();
    let (store, bus) = (&environment.world.store, &environment.world.bus);
    loop {
        let expired = store.expire(EXPIRE_LEN_MAX).await?;
        for key in &expired {
            environment.metrics.chats_expired.inc();
            bus.publish(*key, Notice::Ended { by: None });
            bus.forget(*key);
            pairs.tell(*key, News::Over(Over { by: None }));
        }
        if expired.len() < EXPIRE_LEN_MAX {
            return Ok(());
        }
    }
}

/// Deletes what is left of chats that ended.
async fn purge(pairs: &PairRegistry) -> Result<(), StoreError> {
    let store = &pairs.environment().world.store;
    loop {
        let deleted = store.purge(PURGE_LEN_MAX, TOMBSTONE_LIFE).await?;
        if deleted > 0 {
            debug!(rows = deleted, "deleted what was over");
        }
        if deleted < PURGE_LEN_MAX {
            return Ok(());
        }
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
