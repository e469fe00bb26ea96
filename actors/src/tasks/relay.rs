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
    tasks::comparing::{Comparisons, Pace},
};

/// Chats read again at once, and the pause between.
const CATCH_UP_LEN: usize = 50;
const CATCH_UP_PAUSE: Duration = Duration::from_millis(20);
/// Chats that may have missed something are compared at once, however many there are.
const CATCH_UP_PACE: Pace = Pace {
    interval: CATCH_UP_PAUSE,
    pause_times: 0,
    pause_max: Duration::ZERO,
};
/// How often the store is asked for news while the bus brings none. It is left nine tenths of its time,
/// as far as messages then come within some four seconds.
const NEWS_PACE: Pace = Pace {
    interval: Duration::from_millis(300),
    pause_times: 9,
    pause_max: Duration::from_secs(4),
};

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
    let mut comparisons = Comparisons::new(&pairs, CATCH_UP_PACE);
    // Those that are being compared, and those that are to be read again after that.
    let mut missed: HashSet<ChatKey> = HashSet::new();
    let mut unread: HashSet<ChatKey> = HashSet::new();
    let (mut take_next, mut read_next) = (Instant::now(), Instant::now());
    let mut waits = false;
    loop {
        let read_due = tokio::time::sleep_until(read_next.into());
        let found = async {
            // Losses are often reported one by one, and in great numbers.
            tokio::time::sleep_until(take_next.into()).await;
            inbox.missed().await
        };
        tokio::select! {
            found = found => {
                take_next = Instant::now() + CATCH_UP_PAUSE;
                let keys: Vec<ChatKey> = match found.all {
                    true => pairs.keys(|_| true),
                    false => found.keys.into_iter().collect(),
                };
                missed.extend(&keys);
                comparisons.want(keys);
            }
            compared = comparisons.next() => {
                unread.extend(compared.keys.into_iter().filter(|key| missed.remove(key)));
                let chats = comparisons.failed();
                match (std::mem::replace(&mut waits, chats > 0), waits) {
                    (false, true) => {
                        warn!(chats, "what was missed is read when the store answers");
                    }
                    (true, false) => info!("what was missed is read"),
                    _ => {}
                }
            }
            () = read_due, if !unread.is_empty() => {
                let part: Vec<ChatKey> = unread.iter().take(CATCH_UP_LEN).copied().collect();
                for key in part {
                    unread.remove(&key);
                    pairs.tell(key, News::CatchUp);
                }
                read_next = Instant::now() + CATCH_UP_PAUSE;
            }
        }
    }
}

/// While the bus does not bring news, asks the store for those of all chats with open streams, for ever:
/// one question for all of a partition, as often as leaves the store most of its time.
pub(crate) async fn ask_for_news(pairs: PairRegistry) {
    let environment = pairs.environment();
    let mut comparisons = Comparisons::new(&pairs, NEWS_PACE);
    // Those whose streams were told that nobody knows who is there.
    let mut told_away: HashSet<ChatKey> = HashSet::new();
    let mut failed = false;
    loop {
        if comparisons.is_due() {
            let state = |key| environment.bus_state(key);
            let keys = pairs.streamed_keys(|key| state(key) != BusState::Up);
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
            if comparisons.want_due(keys) {
                environment.metrics.store_asked.inc();
            }
        }
        let due = comparisons.until_due();
        tokio::select! {
            // First what is due is asked, and then what is due is looked for.
            biased;
            _ = comparisons.next() => {
                let chats = comparisons.failed();
                match (std::mem::replace(&mut failed, chats > 0), failed) {
                    (true, false) => info!("the store tells news again"),
                    (false, true) => warn!(
                        chats,
                        "neither the bus nor the store tells news of some chats"
                    ),
                    _ => {}
                }
            }
            () = due => {}
        }
    }
}
