//! What the bus brings, handed to the pair it is for; and what it lost, read from the store.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use crate::{
    PairRegistry,
    domain::ChatKey,
    pair::{News, Relayed},
    ports::BusState,
    tasks::sweeper,
};

/// How long to wait before a store that is away is asked again.
const COMPARE_AGAIN: Duration = Duration::from_millis(250);
/// Chats read again at once, and the pause between.
const CATCH_UP_LEN: usize = 50;
const CATCH_UP_PAUSE: Duration = Duration::from_millis(20);
/// How often the store is asked for news while the bus brings none.
const NEWS_INTERVAL: Duration = Duration::from_millis(300);
/// At least so many times as long as the question took is left to the store's other work.
const NEWS_PAUSE: u32 = 9;

/// Hands over notices for ever.
pub(crate) async fn run(pairs: PairRegistry) {
    loop {
        let (key, notice) = pairs.environment().inbox.next().await;
        pairs.tell(key, News::Relayed(Relayed(notice)));
    }
}

/// Makes good what was missed: first the messages, which take one query for many chats; then
/// everything else, at a pace that leaves the store to those who talk.
pub(crate) async fn catch_up(pairs: PairRegistry) {
    let inbox = &pairs.environment().inbox;
    let mut unread: HashSet<ChatKey> = HashSet::new();
    // Those that the store could not be asked for.
    let mut left: HashSet<ChatKey> = HashSet::new();
    let mut waits = false;
    loop {
        let missed = match unread.is_empty() && left.is_empty() {
            true => inbox.missed().await,
            false => inbox.take_missed(),
        };
        let mut news: HashSet<ChatKey> = match missed.all {
            true => pairs.keys(|_| true).into_iter().collect(),
            false => missed.keys.into_iter().collect(),
        };
        unread.extend(&news);
        news.extend(left.drain());
        left.extend(sweeper::compare(&pairs, news.into_iter().collect()).await);
        match (std::mem::replace(&mut waits, !left.is_empty()), waits) {
            (false, true) => warn!(
                chats = left.len(),
                "what was missed is read when the store answers"
            ),
            (true, false) => info!("what was missed is read"),
            _ => {}
        }
        let part: Vec<ChatKey> = unread.iter().take(CATCH_UP_LEN).copied().collect();
        for key in part {
            unread.remove(&key);
            pairs.tell(key, News::CatchUp);
        }
        tokio::time::sleep(if waits { COMPARE_AGAIN } else { CATCH_UP_PAUSE }).await;
    }
}

/// While the bus does not bring news, asks the store for those of all chats with open streams, for ever:
/// one question for all of them, as often as leaves the store most of its time.
pub(crate) async fn ask_for_news(pairs: PairRegistry) {
    let environment = pairs.environment();
    // Those whose streams were told that nobody knows who is there.
    let mut told_away: HashSet<ChatKey> = HashSet::new();
    let mut failed = false;
    loop {
        let began = Instant::now();
        let state = |key| environment.bus_state(key);
        let keys = pairs.streamed_keys(|key| state(key) != BusState::Up);
        if !keys.is_empty() {
            environment.metrics.store_asked.inc();
            let unanswered = sweeper::compare(&pairs, keys.clone()).await.len();
            match (std::mem::replace(&mut failed, unanswered > 0), failed) {
                (true, false) => info!("the store tells news again"),
                (false, true) => warn!(
                    chats = unanswered,
                    "neither the bus nor the store tells news of some chats"
                ),
                _ => {}
            }
        }
        let took = began.elapsed();
        told_away.retain(|key| state(*key) == BusState::Away);
        for part in keys.chunks(CATCH_UP_LEN) {
            let mut told = false;
            for key in part {
                if state(*key) == BusState::Away && told_away.insert(*key) {
                    pairs.tell(*key, News::BusAway);
                    told = true;
                }
            }
            if told {
                tokio::task::yield_now().await;
            }
        }
        let pause = NEWS_INTERVAL.saturating_sub(took).max(took * NEWS_PAUSE);
        tokio::time::sleep(pause).await;
    }
}
