//! Whether what is held in memory may be served.
//!
//! What a pair holds is good while this instance hears the others. An instance that was stopped
//! (SIGSTOP, a paused container, a machine that slept) wakes with what it held before, while on
//! another one somebody may have logged out meanwhile. So the instance holds a lease: whoever
//! asks anything of a pair renews it, and so does a timer. A gap longer than [`LEASE`] means that
//! the instance did not run, and every pair looks into the store before it answers again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::ports::Clock;

/// How long the instance may have done nothing and still trust its memory.
const LEASE: Duration = Duration::from_secs(1);
/// How often the lease is renewed where nobody asks anything.
const RENEWAL: Duration = Duration::from_millis(200);

/// The lease of one instance.
pub(crate) struct Lease {
    clock: Arc<dyn Clock>,
    renewed_ms: AtomicU64,
    lapses: AtomicU64,
}

impl Lease {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let now_ms = millis(clock.uptime());
        Self {
            clock,
            renewed_ms: AtomicU64::new(now_ms),
            lapses: AtomicU64::new(0),
        }
    }

    /// Renews the lease; how often it has lapsed so far. What was read from the store under
    /// another number is out of date.
    pub(crate) fn lapses(&self) -> u64 {
        let now_ms = millis(self.clock.uptime());
        let renewed_ms = self.renewed_ms.load(Ordering::Acquire);
        let idle_ms = now_ms.saturating_sub(renewed_ms);
        // The lapse first: whoever sees the lease renewed must see why. Two that find the same
        // lapse count it twice, which costs a look into the store.
        if idle_ms > millis(LEASE) {
            self.lapses.fetch_add(1, Ordering::AcqRel);
        }
        // Not at every request: the threads would fight over this line of memory.
        if idle_ms >= millis(RENEWAL) / 2 {
            self.renewed_ms.fetch_max(now_ms, Ordering::AcqRel);
        }
        self.lapses.load(Ordering::Acquire)
    }

    /// Renews it for ever.
    pub(crate) async fn keep(&self) {
        loop {
            self.lapses();
            tokio::time::sleep(RENEWAL).await;
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
