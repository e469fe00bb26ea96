//! Hashes that were reserved on this instance. Reserving counts as a registration, so the registration that
//! follows is not counted again.

use std::time::{Duration, Instant};

use actors::domain::ChatKey;
use dashmap::DashMap;

pub struct ReservedHashes {
    at: DashMap<ChatKey, Instant>,
    len_max: usize,
    hold: Duration,
}

impl ReservedHashes {
    /// Remembers at most `len_max`, each for as long as a reservation holds. The registration of any other is
    /// counted as well.
    pub fn new(len_max: usize, hold: Duration) -> Self {
        let at = DashMap::new();
        Self { at, len_max, hold }
    }

    pub fn add(&self, key: ChatKey) {
        if self.at.len() < self.len_max {
            self.at.insert(key, Instant::now());
        }
    }

    /// Whether a hash is remembered. It stays so after its registration, since a hash makes only one chat.
    pub fn has(&self, key: ChatKey) -> bool {
        self.at
            .get(&key)
            .is_some_and(|reserved| reserved.elapsed() < self.hold)
    }

    /// Forgets reservations that have lapsed.
    pub fn forget_old(&self) {
        self.at.retain(|_, reserved| reserved.elapsed() < self.hold);
        self.at.shrink_to_fit();
    }
}
