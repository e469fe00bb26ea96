//! Remembers which pairs keep panicking.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::domain::ChatKey;

/// Panics within [`WINDOW`] after which a chat is refused for a while.
const COUNT_MAX: u32 = 3;
/// How long panics are remembered.
const WINDOW: Duration = Duration::from_secs(10);

/// The recent panics, by chat.
#[derive(Default)]
pub(super) struct Crashes(Mutex<HashMap<ChatKey, Crash>>);

struct Crash {
    count: u32,
    last: Instant,
}

impl Crashes {
    /// Counts a panic.
    pub(super) fn add(&self, key: ChatKey) {
        let mut crashes = self.0.lock();
        crashes.retain(|_, crash| crash.last.elapsed() < WINDOW);
        let crash = crashes.entry(key).or_insert(Crash {
            count: 0,
            last: Instant::now(),
        });
        crash.count += 1;
        crash.last = Instant::now();
    }

    /// Whether the chat is to be refused for now.
    pub(super) fn too_many(&self, key: ChatKey) -> bool {
        let crashes = self.0.lock();
        let crash = crashes.get(&key);
        crash.is_some_and(|crash| crash.count >= COUNT_MAX && crash.last.elapsed() < WINDOW)
    }
}
