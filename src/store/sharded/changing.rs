//! Shows and changes which servers take new chats, for `duet shards`.

use std::time::Duration;

use actors::{domain::Timestamp, ports::StoreError};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{Map, Shard, ShardedStore, keeping::NOTICE, not_reached};
use crate::store::postgres::StoredCounts;

/// The status of a server, for `duet shards`.
#[derive(Debug, Clone)]
pub struct ShardStatus {
    /// Its location, such as `one:5432/duet`.
    pub place: String,
    /// Whether it takes new chats.
    pub takes_new: bool,
    /// Whether it may have chats.
    pub in_use: bool,
    /// Until when it may have chats, if it takes no new ones.
    pub in_use_until: Option<Timestamp>,
    /// How many rows it has; `None` if it did not answer.
    pub census: Option<StoredCounts>,
}

/// Why the map was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The request is impossible, or already fulfilled.
    #[error("{0}")]
    Refused(String),
    /// A server did not answer, or somebody else changed the map: try again.
    #[error("{0}")]
    Failed(String),
}

impl ShardedStore {
    /// The status of each server.
    pub async fn standing(&self) -> Vec<ShardStatus> {
        let maps = self.maps.read().maps.clone();
        let (newest, in_use) = (maps.newest(), maps.in_use(self.clock.now()));
        let standing = self.shards.iter().map(async |shard| {
            let opened = shard.opened.get();
            let census = match opened {
                Some((_, store)) => store.census().await.ok(),
                None => None,
            };
            let is_among = |servers: &[Uuid]| opened.is_some_and(|(id, _)| servers.contains(id));
            ShardStatus {
                place: shard.place.clone(),
                takes_new: is_among(&newest.servers),
                in_use: is_among(&in_use),
                in_use_until: opened.and_then(|(id, _)| maps.in_use_until(*id)),
                census,
            }
        });
        join_all(standing).await
    }

    /// Writes a map with or without this server to every server; returns how long it takes to become current.
    ///
    /// # Errors
    /// [`ChangeError`] says why not, and whether to try again.
    pub async fn change(&self, place: &str, takes_new: bool) -> Result<Duration, ChangeError> {
        use ChangeError::{Failed, Refused};
        let shards = &self.shards;
        let Some(shard) = shards.iter().find(|shard| shard.place == place) else {
            let known: Vec<&str> = shards.iter().map(|shard| &*shard.place).collect();
            return Err(Refused(format!(
                "store.urls has no server {place}. It has {}.",
                known.join(", ")
            )));
        };
        let away = shards.iter().find(|shard| shard.opened.get().is_none());
        let (Some((server, _)), None) = (shard.opened.get(), away) else {
            let away = &away.unwrap_or(shard).place;
            return Err(Failed(format!(
                "{away} is away. A map is made with all servers there: run the command again when it is back."
            )));
        };
        // First spreads maps that an earlier command did not bring to all servers.
        let (maps, some_lacked) = self.spread_maps().await.map_err(Failed)?;
        let newest = maps.newest().clone();
        if newest.servers.contains(server) == takes_new {
            return match (some_lacked, takes_new) {
                (true, _) => Ok(newest.since.since(self.clock.now())),
                (false, true) => Err(Refused(format!("{place} takes new chats already."))),
                (false, false) => Err(Refused(format!("{place} takes no new chats already."))),
            };
        }
        // All commands write to the same server first, so of two at once one fails.
        let first = newest.servers.iter().min().copied();
        let mut servers = newest.servers;
        servers.retain(|known| known != server);
        if takes_new {
            servers.push(*server);
            servers.sort_unstable();
        }
        if servers.is_empty() {
            return Err(Refused(format!(
                "{place} is the last one that takes new chats. Add another one first."
            )));
        }
        let map = Map {
            version: newest.version + 1,
            servers,
            since: self.clock.now().plus(NOTICE),
        };
        let mut opened: Vec<_> = self.shards.iter().collect();
        opened.sort_by_key(|shard| shard.opened.get().map(|(id, _)| Some(*id) != first));
        for shard in opened {
            let written = self.write_map(shard, &map).await;
            let written = written.map_err(|error| {
                Failed(format!(
                    "{}: {error}. Run the command again: it finishes what was begun.",
                    shard.place
                ))
            })?;
            if !written {
                return Err(Failed(
                    "Somebody else has just changed which servers take new chats: `duet shards` shows it. \
                     Run the command again if the change is still wanted."
                        .into(),
                ));
            }
        }
        Ok(NOTICE)
    }

    /// Writes a map to a server; false if it has another one with this version.
    async fn write_map(&self, shard: &Shard, map: &Map) -> Result<bool, StoreError> {
        let Some((_, store)) = shard.opened.get() else {
            return Err(not_reached());
        };
        store.write_maps(std::slice::from_ref(map)).await?;
        Ok(store.maps().await?.contains(map))
    }
}
