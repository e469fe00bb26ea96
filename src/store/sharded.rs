//! Several PostgreSQL servers as one store.
//!
//! Each chat is on one server as a whole, no transaction spans two servers, and no chat is ever moved:
//! [`maps`] say which server takes a new chat, and where chats of earlier maps are. A server that is away
//! affects its own chats alone: calls about many chats return a result for each chat, and callers query the
//! chats of one [`partition`](actors::ports::Chats::partition) together.

mod asking;
mod changing;
mod examine;
mod finding;
mod keeping;
mod maps;
mod registering;
mod spreading;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actors::{
    domain::ChatKey,
    ports::{Clock, StoreError},
};
use hashlink::LruCache;
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use super::{Meter, PostgresStore, Result, postgres::PoolMetrics};
use crate::config::PostgresUrl;
use finding::Candidate;
use keeping::ShardMetrics;
use maps::Maps;

pub use changing::{ChangeError, ShardStatus};
pub(super) use examine::{check_alone, examine};
pub(crate) use maps::Map;

/// Older maps are read again before a chat is reported as missing.
const MAPS_GOOD_FOR: Duration = Duration::from_secs(5);
/// Chats whose server is remembered; they take about 20 MB.
const LOCATED_LEN_MAX: usize = 300_000;

/// The store over several servers.
pub struct ShardedStore {
    shards: Vec<Shard>,
    maps: RwLock<Known>,
    /// When the last reading of the maps began, and how it ended.
    last_reading: tokio::sync::Mutex<Option<(Instant, Result<()>)>>,
    /// Held while a server that was away is compared with the others and added to them.
    adding: Mutex<()>,
    /// The server of each chat that may be on several, where it was found. A chat never moves, so this never becomes wrong.
    /// After a change of the map most lookups ask one server instead of two.
    located: Mutex<LruCache<ChatKey, usize>>,
    clock: Arc<dyn Clock>,
    lanes: usize,
    metrics: ShardMetrics,
}

struct Shard {
    url: PostgresUrl,
    /// Its name in logs, on the command line and in metrics.
    place: String,
    /// Its identity in maps and its store, once it has been reached.
    opened: OnceLock<(Uuid, PostgresStore)>,
    metrics: (Meter, PoolMetrics),
    /// Whether its last write succeeded.
    answers: AtomicBool,
}

/// The maps, and when they were last read.
struct Known {
    maps: Maps,
    read_at: Instant,
}

impl ShardedStore {
    /// The index of a server that has been reached.
    fn number_of(&self, server: Uuid) -> Candidate {
        let mut shards = self.shards.iter();
        shards.position(|shard| shard.identity() == Some(server))
    }

    fn store(&self, candidate: Candidate) -> Result<&PostgresStore> {
        let opened = candidate.and_then(|number| self.shards[number].opened.get());
        opened.map(|(_, store)| store).ok_or_else(not_reached)
    }

    /// The servers that have been reached at least once.
    fn opened(&self) -> impl Iterator<Item = (&Shard, &PostgresStore)> {
        self.shards
            .iter()
            .filter_map(|shard| Some((shard, &shard.opened.get()?.1)))
    }

    /// The servers whose last write succeeded.
    fn answering(&self) -> impl Iterator<Item = &PostgresStore> {
        let answering = self.opened().filter(|(shard, _)| shard.answers());
        answering.map(|(_, store)| store)
    }

    /// The servers that have been reached at least once, writable ones first.
    fn answering_first(&self) -> Vec<&PostgresStore> {
        let mut opened: Vec<_> = self.opened().collect();
        opened.sort_by_key(|(shard, _)| !shard.answers());
        opened.into_iter().map(|(_, store)| store).collect()
    }

    /// The server that the current map assigns a chat to.
    fn server_of(&self, key: ChatKey) -> Result<&PostgresStore> {
        let server = self.current_map().server_of(key.as_bytes());
        self.store(server.and_then(|server| self.number_of(server)))
    }
}

impl Shard {
    /// Its identity in maps, once it has been reached.
    fn identity(&self) -> Option<Uuid> {
        self.opened.get().map(|(identity, _)| *identity)
    }

    /// Whether its last write succeeded.
    fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
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
