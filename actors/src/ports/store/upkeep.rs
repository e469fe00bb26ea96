//! What keeps the store in order, and says how it is.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ChatKey;

/// Expiry, deletion, health, and which instances share the store.
#[async_trait]
pub trait Upkeep: Send + Sync + 'static {
    /// What of the store is out of reach while the rest of it answers.
    fn away(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether the store does what it promises: it writes something, and says that it is on the disk.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Ends up to `limit` chats whose time is over, and says which.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError>;

    /// Deletes up to `limit` rows of what is over: messages of ended chats, lapsed reservations,
    /// codes and wishes, tombstones older than `tombstone_life`. Answers how many there were.
    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError>;

    /// Writes down that an instance lives, and answers which others do. Where one process alone can
    /// use the store there are none.
    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        let _ = (own, bus_address);
        Ok(Vec::new())
    }

    /// How many chats live.
    async fn count_chats(&self) -> Result<u64, StoreError>;
}

/// Another instance on the same store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The name of its boot, which it has on the bus as well.
    pub boot: Uuid,
    /// Where it listens for the others.
    pub bus_address: String,
    /// How often it has written down that it lives.
    pub beats: u64,
}
