//! Ends chats whose time is over, deletes what is left of those that ended, and, as the last net
//! under everything that is lost on the way, compares the pairs in memory with the store.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tracing::{debug, info, warn};

use crate::{
    PairRegistry,
    domain::ChatKey,
    pair::{Audited, News, Over},
    ports::{Notice, Position, StoreError},
    supervision::catch_panic,
};

/// Chats ended in one go.
const EXPIRE_LEN_MAX: usize = 200;
/// Rows deleted in one go, so that no other writer waits long.
const PURGE_LEN_MAX: usize = 2_000;
/// How long a tombstone stands.
const TOMBSTONE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// The chats are not counted again for so many times as long as it took: to count millions takes
/// seconds.
const COUNT_PAUSE: u32 = 100;

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
            count_due = Instant::now() + COUNT_PAUSE * began.elapsed();
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
/// Pairs with open streams are compared out of turn only so often that this many times as long as it took
/// is left to the store. A few thousand take milliseconds; past some ten thousand their comparisons
/// become rarer, until they come with their turn alone.
const STREAMED_PAUSE: u32 = 49;

/// Chats compared in one query.
const COMPARE_LEN_MAX: usize = 20_000;
/// Compares for ever: a pair whose chat was ended behind its back ends its streams, and so it ends those
/// of sessions that ended; one that has missed messages reads them. This finds what nobody reported as
/// missed: a notice that the bus took and lost, or a change by a program beside this one.
pub(crate) async fn audit(pairs: PairRegistry) {
    let mut left = Vec::new();
    let mut streamed_due = Instant::now();
    for turn in (0..AUDIT_PARTS).cycle() {
        tokio::time::sleep(AUDIT_INTERVAL).await;
        let has_turn = |key: ChatKey| key.spread() % AUDIT_PARTS == turn;
        let mut keys = pairs.keys(has_turn);
        keys.append(&mut left);
        let began = Instant::now();
        let with_streamed = began >= streamed_due;
        if with_streamed {
            keys.append(&mut pairs.streamed_keys(|key| !has_turn(key)));
        }
        left = compare(&pairs, keys).await;
        if with_streamed {
            streamed_due = Instant::now() + began.elapsed() * STREAMED_PAUSE;
        }
    }
}

/// Tells pairs what the store has that they do not, which is found out for many in one query and
/// without waking the others. Answers the chats that the store could not be asked for, to be asked
/// for again: somebody may be waiting for what is missing.
pub(crate) async fn compare(pairs: &PairRegistry, keys: Vec<ChatKey>) -> Vec<ChatKey> {
    let mut parts: Vec<Vec<ChatKey>> = vec![Vec::new(); pairs.store().partitions()];
    for key in keys {
        parts[pairs.store().partition(key)].push(key);
    }
    let parts = parts.iter().flat_map(|part| part.chunks(COMPARE_LEN_MAX));
    let compared = join_all(
        parts.map(async |part| match compare_part(pairs, part).await {
            Ok(()) => Vec::new(),
            Err(failure) => {
                debug!(failure, "the pairs are compared with the store later");
                part.to_vec()
            }
        }),
    );
    compared.await.concat()
}

/// The same in one query.
async fn compare_part(pairs: &PairRegistry, keys: &[ChatKey]) -> Result<(), String> {
    let (keys, asked): (Vec<ChatKey>, Vec<Position>) = keys
        .iter()
        .filter_map(|key| Some((*key, pairs.known(*key)?)))
        .unzip();
    if keys.is_empty() {
        return Ok(());
    }
    let positions = catch_panic(pairs.store().positions(&keys)).await?;
    let positions = positions.map_err(|failure| failure.to_string())?;
    for ((key, asked), position) in keys.iter().zip(asked).zip(positions) {
        if pairs.is_behind(*key, &asked, position) {
            let news = News::Audited(Audited { asked, position });
            pairs.tell(*key, news);
        }
    }
    Ok(())
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
