//! Expiry, deletion, health, and the instances that share the store.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ChatKey;

/// Expiry, deletion, health, and the instances that share the store.
#[async_trait]
pub trait Upkeep: Send + Sync + 'static {
    /// The servers of the store that are unreachable while others answer.
    fn away(&self) -> Vec<String> {
        Vec::new()
    }

    /// Checks that the store works, with a durable write.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Ends up to `limit` expired chats; returns their keys.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError>;

    /// Deletes up to `limit` rows: messages of ended chats, lapsed reservations, codes and asks, and tombstones older
    /// than `tombstone_life`. Returns how many it went through; 0 when nothing is left to delete.
    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError>;

    /// Records that an instance is alive, and returns the others that are. None, where only one process can use the
    /// store.
    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        let _ = (own, bus_address);
        Ok(Vec::new())
    }

    /// Leaves behind a store in order, when nothing is asked of it any more.
    async fn close(&self) {}

    /// The number of live chats.
    async fn count_chats(&self) -> Result<u64, StoreError>;
}

/// Another instance on the same store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its id, the same as on the bus.
    pub boot: Uuid,
    /// The address of its bus.
    pub bus_address: String,
    /// How often it has beaten.
    pub beats: u64,
}
