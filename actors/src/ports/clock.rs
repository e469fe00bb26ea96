use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::domain::Timestamp;

/// Where the time comes from, so that tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time: for what people read and for what the embedded store keeps.
    fn now(&self) -> Timestamp;

    /// How long the machine has run since some moment, its sleep included. Nobody sets it, so a
    /// gap between two looks is time in which nothing was done here.
    fn uptime(&self) -> Duration;
}

/// The machine's clock. It never runs backwards within one process, whatever is done to the
/// machine's setting, and goes on while the machine sleeps.
#[derive(Debug)]
pub struct SystemClock {
    started: Duration,
    started_at_ms: i64,
}

impl Default for SystemClock {
    fn default() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: boottime(),
            started_at_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let elapsed = boottime().saturating_sub(self.started);
        Timestamp::from_unix_ms(self.started_at_ms).plus(elapsed)
    }

    fn uptime(&self) -> Duration {
        boottime()
    }
}

fn boottime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    time.try_into()
        .expect("the time since the start is not negative")
}
