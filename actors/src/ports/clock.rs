use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Where the time comes from, so that tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time: for what people read and for what the embedded store keeps.
    fn now(&self) -> Timestamp;
}

/// The machine's clock. It never runs backwards within one process, whatever is done to the
/// machine's setting.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    started_at_ms: i64,
}

impl Default for SystemClock {
    fn default() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            started_at_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.started_at_ms).plus(self.started.elapsed())
    }
}
