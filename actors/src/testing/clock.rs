use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use crate::{domain::Timestamp, ports::Clock};

/// 2026-01-01T00:00:00Z: the start of a [`FakeClock`].
const START_MS: i64 = 1_767_225_600_000;

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct FakeClock(Arc<AtomicI64>);

impl Default for FakeClock {
    fn default() -> Self {
        Self(Arc::new(START_MS.into()))
    }
}

impl FakeClock {
    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        let later = self.now().plus(by);
        self.0.store(later.unix_ms(), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Duration {
        self.now().since(Timestamp::from_unix_ms(0))
    }
}

/// A clock that can be made to block or panic, and otherwise shows another clock's time. A pair reads the time in every
/// handler that needs a session, so a test can stop its handlers or make them panic. The store must have another clock.
#[derive(Clone)]
pub struct FaultyClock {
    shown: Arc<dyn Clock>,
    faults: Arc<ClockFaults>,
}

#[derive(Default)]
struct ClockFaults {
    panics: AtomicUsize,
    panics_in_uptime: AtomicUsize,
    stopped: Mutex<bool>,
    released: Condvar,
}

/// Until it is dropped, reading the time blocks the thread.
#[must_use = "the clock is stopped only while this lives"]
pub struct Stopped(Arc<ClockFaults>);

impl Drop for Stopped {
    fn drop(&mut self) {
        *self.0.stopped.lock() = false;
        self.0.released.notify_all();
    }
}

impl FaultyClock {
    /// Shows this clock's time.
    pub fn new(shown: impl Clock) -> Self {
        Self {
            shown: Arc::new(shown),
            faults: Arc::default(),
        }
    }

    /// Makes the next readings of the time panic.
    pub fn panic_next(&self, times: usize) {
        self.faults.panics.store(times, Ordering::SeqCst);
    }

    /// Makes the next readings of the uptime panic. Tasks read it, and requests before they reach their pair.
    pub fn panic_next_in_uptime(&self, times: usize) {
        self.faults.panics_in_uptime.store(times, Ordering::SeqCst);
    }

    /// Makes reading the time block until the guard is dropped.
    pub fn stop(&self) -> Stopped {
        *self.faults.stopped.lock() = true;
        Stopped(self.faults.clone())
    }
}

impl Clock for FaultyClock {
    fn now(&self) -> Timestamp {
        let mut stopped = self.faults.stopped.lock();
        self.faults
            .released
            .wait_while(&mut stopped, |stopped| *stopped);
        drop(stopped);
        panic_if_armed(&self.faults.panics);
        self.shown.now()
    }

    fn uptime(&self) -> Duration {
        panic_if_armed(&self.faults.panics_in_uptime);
        self.shown.uptime()
    }
}

fn panic_if_armed(panics: &AtomicUsize) {
    let one_less = |left: usize| left.checked_sub(1);
    let armed = panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
    assert!(armed.is_err(), "the clock was told to panic");
}
