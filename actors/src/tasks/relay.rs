//! The relay: passes notices of the bus to their pairs, and reads from the store what the bus lost.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use crate::{
    PairRegistry,
    domain::ChatKey,
    pair::Signal,
    ports::BusState,
    tasks::comparing::{Comparisons, Pace},
};

/// Pairs that refresh their presence at once, and the pause in between.
const CATCH_UP_LEN: usize = 50;
const CATCH_UP_PAUSE: Duration = Duration::from_millis(20);
/// Chats that may have missed something are compared immediately, however many there are.
const CATCH_UP_PACE: Pace = Pace {
    interval: CATCH_UP_PAUSE,
    pause_times: 0,
    pause_max: Duration::ZERO,
};
/// How often the store is polled while the bus is away. Polling takes at most a tenth of the store's time, unless
/// messages would then be later than four seconds.
const POLL_PACE: Pace = Pace {
    interval: Duration::from_millis(300),
    pause_times: 9,
    pause_max: Duration::from_secs(4),
};

/// Passes notices to their pairs, for ever.
pub(crate) async fn run(pairs: PairRegistry) {
    loop {
        let (key, notice) = pairs.environment().inbox.next().await;
        pairs.signal(key, Signal::Notice(notice));
    }
}

/// Catches up after losses, for ever: first compares positions, one query for many chats; then has the pairs refresh
/// their presence, at a pace that does not burden the bus.
pub(crate) async fn catch_up(pairs: PairRegistry) {
    let inbox = &pairs.environment().inbox;
    let mut comparisons = Comparisons::new(&pairs, CATCH_UP_PACE);
    // Chats that are being compared, and those whose presence is refreshed after that.
    let mut missed: HashSet<ChatKey> = HashSet::new();
    let mut unrefreshed: HashSet<ChatKey> = HashSet::new();
    let (mut take_next, mut refresh_next) = (Instant::now(), Instant::now());
    let mut waits = false;
    loop {
        let refresh_due = tokio::time::sleep_until(refresh_next.into());
        let found = async {
            // Losses are often reported one by one, so give them time to add up.
            tokio::time::sleep_until(take_next.into()).await;
            inbox.next_missed().await
        };
        tokio::select! {
            found = found => {
                take_next = Instant::now() + CATCH_UP_PAUSE;
                let keys: Vec<ChatKey> = match found.all {
                    true => pairs.keys(|_, _| true),
                    false => found.keys.into_iter().collect(),
                };
                missed.extend(&keys);
                comparisons.queue(keys);
            }
            compared = comparisons.next() => {
                unrefreshed.extend(compared.keys.into_iter().filter(|key| missed.remove(key)));
                let chats = comparisons.failed();
                match (std::mem::replace(&mut waits, chats > 0), waits) {
                    (false, true) => {
                        warn!(chats, "chats missed notices; they catch up when the store answers");
                    }
                    (true, false) => info!("all chats have caught up"),
                    _ => {}
                }
            }
            () = refresh_due, if !unrefreshed.is_empty() => {
                let part: Vec<ChatKey> = unrefreshed.iter().take(CATCH_UP_LEN).copied().collect();
                for key in part {
                    unrefreshed.remove(&key);
                    pairs.signal(key, Signal::RefreshPresence);
                }
                refresh_next = Instant::now() + CATCH_UP_PAUSE;
            }
        }
    }
}

/// While the bus is away or doubtful, polls the store for all chats with open streams, one query per partition,
/// for ever.
pub(crate) async fn poll_store(pairs: PairRegistry) {
    let environment = pairs.environment();
    let mut comparisons = Comparisons::new(&pairs, POLL_PACE);
    // Chats whose streams were told that presence is unknown.
    let mut told_away: HashSet<ChatKey> = HashSet::new();
    let mut failed = false;
    loop {
        if comparisons.is_due() {
            let state = |key| environment.bus_state(key);
            let keys = match environment.worst_bus_state() {
                BusState::Up => Vec::new(),
                _ => pairs.keys(|key, status| status.has_streams() && state(key) != BusState::Up),
            };
            told_away.retain(|key| state(*key) == BusState::Away);
            for part in keys.chunks(CATCH_UP_LEN) {
                let mut told = false;
                for key in part {
                    if state(*key) == BusState::Away && told_away.insert(*key) {
                        pairs.signal(*key, Signal::BusAway);
                        told = true;
                    }
                }
                if told {
                    tokio::task::yield_now().await;
                }
            }
            if comparisons.queue_due(keys) {
                environment.metrics.store_asked.inc();
            }
        }
        let due = comparisons.until_due();
        tokio::select! {
            // `next` first, so that due queries start before the pairs are scanned for more.
            biased;
            _ = comparisons.next() => {
                let chats = comparisons.failed();
                match (std::mem::replace(&mut failed, chats > 0), failed) {
                    (true, false) => info!("polling the store for news works again"),
                    (false, true) => warn!(
                        chats,
                        "some chats get news neither from the bus nor from the store"
                    ),
                    _ => {}
                }
            }
            () = due => {}
        }
    }
}
