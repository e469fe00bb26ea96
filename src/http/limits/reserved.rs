//! Hashes that were reserved here. Reserving one counts as a registration, so the registration that takes
//! it is not counted a second time: a chat counts once, however its hash came about.

use std::time::{Duration, Instant};

use actors::domain::ChatKey;
use dashmap::DashMap;

/// The reserved hashes of the last while.
pub struct Reserved {
    at: DashMap<ChatKey, Instant>,
    len_max: usize,
    hold: Duration,
}

impl Reserved {
    /// Knows `len_max` at most, each for as long as a reservation holds. Of more, the registration
    /// counts as well.
    pub fn new(len_max: usize, hold: Duration) -> Self {
        let at = DashMap::new();
        Self { at, len_max, hold }
    }

    /// One more.
    pub fn add(&self, key: ChatKey) {
        if self.at.len() < self.len_max {
            self.at.insert(key, Instant::now());
        }
    }

    /// Whether a hash is reserved. It stays so when a chat was made with it: a hash makes one chat.
    pub fn has(&self, key: ChatKey) -> bool {
        self.at
            .get(&key)
            .is_some_and(|reserved| reserved.elapsed() < self.hold)
    }

    /// Forgets those whose time is up.
    pub fn forget_old(&self) {
        self.at.retain(|_, reserved| reserved.elapsed() < self.hold);
        self.at.shrink_to_fit();
    }
}
