//! The lease on what an instance holds in memory.
//!
//! A pair's copy of its chat is current only while this instance runs and hears the others. An instance that was
//! suspended (SIGSTOP, a paused container, a sleeping machine) resumes with an old copy, while somebody may have
//! logged out on another instance. So every request to a pair, and a timer, renews a lease. A gap longer than
//! [`LEASE`] means that the instance was suspended, and every pair reads the store before it answers again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::ports::Clock;

/// The longest gap after which memory is still trusted.
const LEASE: Duration = Duration::from_secs(1);
/// How often the timer renews the lease.
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

    /// Renews the lease and returns how often it has lapsed so far. What was read from the store at a lower number
    /// is out of date.
    pub(crate) fn renew(&self) -> u64 {
        let now_ms = millis(self.clock.uptime());
        let renewed_ms = self.renewed_ms.load(Ordering::Acquire);
        let idle_ms = now_ms.saturating_sub(renewed_ms);
        // The lapse before the renewal: a thread that sees the renewed lease must also see the lapse. Two threads may
        // count the same lapse, which only costs another read of the store.
        if idle_ms > millis(LEASE) {
            self.lapses.fetch_add(1, Ordering::AcqRel);
        }
        // Not at every request, or the threads would contend for this cache line.
        if idle_ms >= millis(RENEWAL) / 2 {
            self.renewed_ms.fetch_max(now_ms, Ordering::AcqRel);
        }
        self.lapses.load(Ordering::Acquire)
    }

    /// Renews it periodically.
    pub(crate) async fn renew_for_ever(&self) {
        loop {
            self.renew();
            tokio::time::sleep(RENEWAL).await;
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
