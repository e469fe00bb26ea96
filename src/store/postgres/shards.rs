//! What a server knows of the others that it shares the chats with: see `store::sharded`.

use actors::ports::{NewChat, Registered, StoreError};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    PostgresStore, chats,
    rows::{self, moment, uuid},
    transaction::Transaction,
};
use crate::store::sharded::Map;

/// Held by whoever registers, shared, and alone by whoever writes a map or looks for a chat by a newer
/// one: what is being registered by the old map is there before somebody finds nothing. Any number does, as long as nobody else in the
/// database uses it.
const MAPS_LOCK: i64 = 0x6475_6574_0003;
const SHARE: &str = "SELECT pg_advisory_xact_lock_shared($1)";
const ALONE: &str = "SELECT pg_advisory_xact_lock($1)";

const MAPS: &str = "SELECT version, servers, since FROM shard_maps ORDER BY version";
const IN_FORCE: &str = "SELECT coalesce(max(version), 0) FROM shard_maps WHERE since <= now_ms()";
const IDENTITY: &str = "SELECT id FROM shard_identity";
const CENSUS: &str = "
    SELECT (SELECT count(*) FROM chats) AS chats, (SELECT count(*) FROM tombstones) AS tombstones,
           (SELECT count(*) FROM reservations WHERE expires_at > now_ms()) AS reservations";

/// What a server answers to somebody who goes by a map.
#[derive(Debug)]
pub(crate) enum Fenced<T> {
    /// Another map is in force here.
    OtherMap(i64),
    /// It was done, or found.
    Done(T),
}

/// What a server that would have had a chat by an older map knows of it.
#[derive(Debug)]
pub(crate) enum Trace {
    /// Nothing.
    None,
    /// The chat's key is reserved.
    Reserved,
    /// The chat is or was here, or this registration made another one here.
    Known(Registered),
}

/// What is kept on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    pub chats: u64,
    pub tombstones: u64,
    pub reservations: u64,
}

impl Census {
    /// Whether nothing is lost with the server.
    pub(crate) fn is_empty(self) -> bool {
        self.chats + self.tombstones + self.reservations == 0
    }
}

impl PostgresStore {
    /// What tells this server's tables from all others.
    pub(crate) async fn identity(&self) -> Result<Uuid, StoreError> {
        let rows = self.query("identity", IDENTITY, &[]).await?;
        match rows.first() {
            Some(row) => row.try_get(0).map_err(refused),
            None => Err(StoreError::Refused(
                "the table shard_identity is empty; it has one row".into(),
            )),
        }
    }

    /// All maps that were written here.
    pub(crate) async fn maps(&self) -> Result<Vec<Map>, StoreError> {
        let rows = self.query("maps", MAPS, &[]).await?;
        rows.iter()
            .map(map)
            .collect::<Result<_, _>>()
            .map_err(refused)
    }

    /// Writes those of the maps that are not here yet.
    pub(crate) async fn write_maps(&self, maps: &[Map]) -> Result<(), StoreError> {
        let write = "INSERT INTO shard_maps (version, servers, since) VALUES ($1, $2, $3)
                     ON CONFLICT DO NOTHING";
        self.transaction("write_maps", async |tx| {
            tx.query_one(ALONE, &[&MAPS_LOCK]).await?;
            for map in maps {
                let since = map.since.unix_ms();
                tx.execute(write, &[&map.version, &map.servers, &since])
                    .await?;
            }
            Ok(())
        })
        .await
    }

    /// Registers, if this map is the one in force here.
    pub(crate) async fn register_by(
        &self,
        version: i64,
        new: &NewChat,
    ) -> Result<Fenced<Registered>, StoreError> {
        self.transaction("register", async |tx| {
            Ok(match in_force(tx, SHARE).await? {
                same if same == version => Fenced::Done(chats::register(tx, new).await?),
                other => Fenced::OtherMap(other),
            })
        })
        .await
    }

    /// What an older map's server knows of a chat that is about to be registered elsewhere. Once it
    /// has answered by this map, it registers no such chat itself.
    pub(crate) async fn trace(
        &self,
        version: i64,
        new: &NewChat,
    ) -> Result<Fenced<Trace>, StoreError> {
        self.transaction("trace", async |tx| {
            let other = in_force(tx, ALONE).await?;
            if other != version {
                return Ok(Fenced::OtherMap(other));
            }
            if let Some(before) = chats::registered_before(tx, new).await? {
                return Ok(Fenced::Done(Trace::Known(before)));
            }
            let used: bool = tx.query_one(chats::USED, &[&uuid(new.key)]).await?.get(0);
            Ok(Fenced::Done(match used {
                true => Trace::Known(Registered::Taken),
                false if chats::is_reserved(tx, new.key).await? => Trace::Reserved,
                false => Trace::None,
            }))
        })
        .await
    }

    /// Counts what is kept here. It reads whole tables.
    pub(crate) async fn census(&self) -> Result<Census, StoreError> {
        let rows = self.query("census", CENSUS, &[]).await?;
        Ok(Census {
            chats: rows::seq(rows[0].get("chats")),
            tombstones: rows::seq(rows[0].get("tombstones")),
            reservations: rows::seq(rows[0].get("reservations")),
        })
    }
}

async fn in_force(tx: &mut Transaction<'_>, lock: &'static str) -> Result<i64, Error> {
    tx.query_one(lock, &[&MAPS_LOCK]).await?;
    tx.query_one(IN_FORCE, &[]).await?.try_get(0)
}

fn map(row: &Row) -> Result<Map, Error> {
    Ok(Map {
        version: row.try_get("version")?,
        servers: row.try_get("servers")?,
        since: moment(row, "since")?,
    })
}

fn refused(error: Error) -> StoreError {
    StoreError::Refused(error.to_string())
}
