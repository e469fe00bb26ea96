use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::domain::Timestamp;

/// The source of time, so that tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time, for display and for the embedded store.
    fn now(&self) -> Timestamp;

    /// Monotonic time that includes suspend, so a gap between two readings shows that the process did not run.
    fn uptime(&self) -> Duration;
}

/// The machine's clock. Within one process it never runs backwards, even when the machine's time is set, and goes on
/// during suspend.
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
