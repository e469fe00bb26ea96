//! Which pairs keep panicking.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::ChatKey;

/// Panics of one pair within [`WINDOW`] after which it is left alone.
const COUNT_MAX: u32 = 3;
/// How long they are remembered.
const WINDOW: Duration = Duration::from_secs(10);

/// The panics of late, by chat.
#[derive(Default)]
pub(super) struct Crashes(Mutex<HashMap<ChatKey, Crash>>);

struct Crash {
    count: u32,
    last: Instant,
}

impl Crashes {
    /// One more.
    pub(super) fn remember(&self, key: ChatKey) {
        let mut crashes = self.lock();
        crashes.retain(|_, crash| crash.last.elapsed() < WINDOW);
        let crash = crashes.entry(key).or_insert(Crash {
            count: 0,
            last: Instant::now(),
        });
        crash.count += 1;
        crash.last = Instant::now();
    }

    /// Whether this pair is to be left alone for a while.
    pub(super) fn too_many(&self, key: ChatKey) -> bool {
        let crashes = self.lock();
        let crash = crashes.get(&key);
        crash.is_some_and(|crash| crash.count >= COUNT_MAX && crash.last.elapsed() < WINDOW)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChatKey, Crash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
