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

/// The machine's clock. Where the machine's time is set, it follows.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        time.try_into()
            .expect("the time since the start is not negative")
    }
}
