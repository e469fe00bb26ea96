//! Several PostgreSQL servers as one store.
//!
//! Each chat is whole on one server, no transaction crosses, and nothing is ever moved: [`maps`] say
//! which server takes a new chat, and where chats of earlier maps are found. A server that is away
//! takes its own chats with it and no others: who asks for many chats at once gets an answer for each,
//! and asks for those of one [`partition`](actors::ports::Chats::partition) together.

mod asking;
mod changing;
mod examine;
mod finding;
mod keeping;
mod located;
mod maps;
mod registering;
mod spreading;

use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actors::{
    domain::ChatKey,
    ports::{Clock, StoreError},
};
use uuid::Uuid;

use super::{Meter, PostgresStore, postgres::PoolMetrics};
use crate::config::PostgresUrl;
use finding::Candidate;
use keeping::ShardMetrics;
use located::Located;
use maps::Maps;

pub use changing::{ChangeError, Shards, Standing};
pub(super) use examine::{check_alone, examine};
pub(crate) use maps::Map;

/// Maps that were read longer ago are read again before it is said that there is no such chat.
const MAPS_GOOD_FOR: Duration = Duration::from_secs(5);

/// The store.
pub struct ShardedStore {
    shards: Vec<Shard>,
    maps: RwLock<Known>,
    located: Located,
    clock: Arc<dyn Clock>,
    lanes: usize,
    metrics: ShardMetrics,
}

/// One of the servers.
struct Shard {
    url: PostgresUrl,
    /// What it is called in the log, on the command line and in metrics.
    place: String,
    /// What it is known by in maps, and its store, once it was reached.
    opened: OnceLock<(Uuid, PostgresStore)>,
    metrics: (Meter, PoolMetrics),
    /// Whether it took a write when it was last asked.
    answers: AtomicBool,
}

/// The maps, and when they were read.
struct Known {
    maps: Maps,
    read_at: Instant,
}

impl ShardedStore {
    /// The number of a server, once it was reached.
    fn number_of(&self, server: Uuid) -> Candidate {
        let opened = |shard: &Shard| {
            shard
                .opened
                .get()
                .is_some_and(|(identity, _)| *identity == server)
        };
        self.shards.iter().position(opened)
    }

    fn store(&self, candidate: Candidate) -> Result<&PostgresStore, StoreError> {
        let opened = candidate.and_then(|number| self.shards[number].opened.get());
        opened.map(|(_, store)| store).ok_or_else(not_reached)
    }

    /// The servers that were reached at least once.
    fn opened(&self) -> impl Iterator<Item = (&Shard, &PostgresStore)> {
        self.shards
            .iter()
            .filter_map(|shard| Some((shard, &shard.opened.get()?.1)))
    }

    /// The servers that took writes when they were last asked.
    fn answering(&self) -> impl Iterator<Item = &PostgresStore> {
        let answering = |shard: &Shard| shard.answers.load(Ordering::Relaxed);
        self.opened()
            .filter(move |(shard, _)| answering(shard))
            .map(|(_, store)| store)
    }

    /// The servers that were reached at least once, those that take writes first.
    fn answering_first(&self) -> Vec<&PostgresStore> {
        let mut opened: Vec<_> = self.opened().collect();
        opened.sort_by_key(|(shard, _)| !shard.answers.load(Ordering::Relaxed));
        opened.into_iter().map(|(_, store)| store).collect()
    }

    /// The server that has a chat by the map in force.
    fn home(&self, key: ChatKey) -> Result<&PostgresStore, StoreError> {
        let home = {
            let known = self.maps();
            known.maps.current(self.clock.now()).home(key)
        };
        self.store(home.and_then(|server| self.number_of(server)))
    }

    fn maps(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_server() -> StoreError {
    StoreError::Unavailable("no PostgreSQL server has this chat".into())
}

fn not_reached() -> StoreError {
    StoreError::Unavailable("the PostgreSQL server of this chat was not reached yet".into())
}

#[cfg(test)]
mod tests;
