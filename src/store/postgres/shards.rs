//! The tables by which servers that share the chats know of each other: see `store::sharded`.

use std::time::Duration;

use actors::{
    domain::ChatKey,
    ports::{NewChat, Registered, StoreError},
};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    PostgresStore, Result, chats, connect_once, in_time, migrate,
    rows::{self, moment, ms, read_all, unreadable, uuid},
    transaction::Transaction,
};
use crate::{
    config::PostgresUrl,
    store::{OpenError, sharded::Map},
};

/// Held shared by registrations, and exclusively by whoever writes a map or looks up a chat by a newer one:
/// registrations under the old map are committed before a lookup finds nothing. An arbitrary number that
/// nothing else in the database may use.
const MAPS_LOCK: i64 = 0x6475_6574_0003;
const SHARE: &str = "SELECT pg_advisory_xact_lock_shared($1)";
const ALONE: &str = "SELECT pg_advisory_xact_lock($1)";

const MAPS: &str = "SELECT version, servers, since FROM shard_maps ORDER BY version";
const IN_FORCE: &str = "SELECT version, servers, since FROM shard_maps WHERE since <= now_ms()
     ORDER BY version DESC LIMIT 1";
const IDENTITY: &str = "SELECT id FROM shard_identity";
const CENSUS: &str = "
    SELECT (SELECT count(*) FROM chats) AS chats, (SELECT count(*) FROM tombstones) AS tombstones,
           (SELECT count(*) FROM reservations WHERE expires_at > now_ms()) AS reservations,
           (SELECT count(*) FROM registrations WHERE expires_at > now_ms()) AS registrations";

const INHABITED: &str = "
    SELECT EXISTS (SELECT FROM chats) OR EXISTS (SELECT FROM tombstones)
        OR EXISTS (SELECT FROM reservations WHERE expires_at > now_ms())
        OR EXISTS (SELECT FROM registrations WHERE expires_at > now_ms())";

/// Held by registrations with an `id`, so that the second of two sees the result of the first. Two-key
/// advisory locks do not conflict with one-key locks.
const ID_LOCK: &str = "SELECT pg_advisory_xact_lock($1::integer, $2::integer)";
/// A binding older than this is settled: its chat was made, or never will be. Longer than any call takes.
const SETTLED_AFTER: Duration = Duration::from_secs(60);
const BOUND: &str = "SELECT key, bound_at < now_ms() - $2 AS settled FROM registrations
     WHERE digest = $1 AND expires_at + 0 > now_ms()";
/// Kept for the chat's lifetime, plus the time its maker may take.
const BIND: &str = "
    INSERT INTO registrations (digest, key, bound_at, expires_at)
    VALUES ($1, $2, now_ms(), now_ms() + $3 + $4)
    ON CONFLICT (digest) DO UPDATE
    SET key = excluded.key, bound_at = excluded.bound_at, expires_at = excluded.expires_at";
const UNBIND: &str = "DELETE FROM registrations WHERE digest = $1";

/// What a server knows of a chat that is about to be made by some map.
#[derive(Debug)]
pub(crate) enum PriorUse {
    /// Nobody looked: another map is current here, or a different one with the same version.
    OtherMap(i64),
    /// Nothing.
    None,
    /// The chat's key is reserved.
    Reserved,
    /// The chat is or was here, or this registration made a chat here.
    Known(Registered),
    /// This registration's `id` belongs to another chat, on another server.
    Bound(Binding),
}

/// The chat that an `id` was used for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding {
    pub(crate) key: ChatKey,
    /// Whether enough time has passed that the chat exists by now, if it ever will.
    pub(crate) is_settled: bool,
}

/// How many rows a server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCounts {
    pub chats: u64,
    pub tombstones: u64,
    pub reservations: u64,
    /// Ids whose chats are on other servers.
    pub registrations: u64,
}

impl StoredCounts {
    /// Whether the server can be removed without loss.
    pub(crate) fn is_empty(self) -> bool {
        self.chats + self.tombstones + self.reservations + self.registrations == 0
    }
}

/// How a server sees the group of servers it belongs to.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) identity: Uuid,
    pub(crate) maps: Vec<Map>,
    /// Whether it keeps any chats, tombstones or reservations.
    pub(crate) is_inhabited: bool,
}

/// Reads a server's tables without changing them; `None` if they are not of this version.
///
/// # Errors
/// [`OpenError`] if they cannot be read.
pub(crate) async fn member(url: &PostgresUrl) -> Result<Option<Member>, OpenError> {
    in_time(async {
        let mut client = connect_once(url).await?;
        if !migrate::is_current(&mut client).await? {
            return Ok(None);
        }
        let maps = client.query(MAPS, &[]).await?;
        Ok(Some(Member {
            identity: client.query_one(IDENTITY, &[]).await?.try_get(0)?,
            maps: maps.iter().map(map).collect::<Result<_, _>>()?,
            is_inhabited: client.query_one(INHABITED, &[]).await?.try_get(0)?,
        }))
    })
    .await
}

impl PostgresStore {
    /// The identity of this server's tables.
    pub(crate) async fn identity(&self) -> Result<Uuid> {
        let rows = self.query("identity", IDENTITY, &[]).await?;
        match rows.first() {
            Some(row) => row.try_get(0).map_err(unreadable),
            None => Err(StoreError::Refused(
                "the table shard_identity is empty; it has one row".into(),
            )),
        }
    }

    /// All maps stored here.
    pub(crate) async fn maps(&self) -> Result<Vec<Map>> {
        let rows = self.query("maps", MAPS, &[]).await?;
        read_all(&rows, map)
    }

    /// Stores the maps that are not here yet.
    pub(crate) async fn write_maps(&self, maps: &[Map]) -> Result<()> {
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

    /// Registers a chat if this map is current here and the `id` is unused, or was used for `stale` alone, a
    /// chat that was never made or is over.
    pub(crate) async fn register_by(
        &self,
        map: &Map,
        new: &NewChat,
        stale: Option<ChatKey>,
    ) -> Result<PriorUse> {
        self.transaction("register", async |tx| {
            if let Some(other) = other_map(tx, SHARE, map).await? {
                return Ok(PriorUse::OtherMap(other));
            }
            if let Some(bound) = bound(tx, new, stale).await? {
                let before = chats::registered_before(tx, new).await?;
                return Ok(before.map_or(PriorUse::Bound(bound), PriorUse::Known));
            }
            if let (Some(_), Some((digest, _))) = (stale, &new.registration) {
                tx.execute(UNBIND, &[&&digest.as_bytes()[..]]).await?;
            }
            Ok(PriorUse::Known(chats::register(tx, new).await?))
        })
        .await
    }

    /// What this server knows of a chat that is about to be registered elsewhere. After an answer under this
    /// map it does not register that chat under an older one.
    pub(crate) async fn trace(
        &self,
        map: &Map,
        new: &NewChat,
        stale: Option<ChatKey>,
    ) -> Result<PriorUse> {
        self.transaction("trace", async |tx| trace(tx, ALONE, map, new, stale).await)
            .await
    }

    /// The same on the server where the `id` belongs, which records the chat that the `id` makes.
    pub(crate) async fn bind(
        &self,
        map: &Map,
        new: &NewChat,
        stale: Option<ChatKey>,
    ) -> Result<PriorUse> {
        self.transaction("bind", async |tx| {
            let traced = trace(tx, SHARE, map, new, stale).await?;
            if let (PriorUse::None | PriorUse::Reserved, Some((digest, _))) =
                (&traced, &new.registration)
            {
                let (lifetime_ms, settled_ms) = (ms(new.lifetime.duration()), ms(SETTLED_AFTER));
                let digest = &digest.as_bytes()[..];
                tx.execute(BIND, &[&digest, &uuid(new.key), &lifetime_ms, &settled_ms])
                    .await?;
            }
            Ok(traced)
        })
        .await
    }

    /// The chat that this registration made here.
    pub(crate) async fn registered(&self, new: &NewChat) -> Result<Option<Registered>> {
        self.transaction("registered", async |tx| {
            chats::registered_before(tx, new).await
        })
        .await
    }

    /// Whether a key is reserved here.
    pub(crate) async fn is_reserved(&self, key: ChatKey) -> Result<bool> {
        self.transaction("is_reserved", async |tx| chats::is_reserved(tx, key).await)
            .await
    }

    /// Counts all rows; reads whole tables.
    pub(crate) async fn census(&self) -> Result<StoredCounts> {
        let rows = self.query("census", CENSUS, &[]).await?;
        Ok(StoredCounts {
            chats: rows::seq(rows[0].get("chats")),
            tombstones: rows::seq(rows[0].get("tombstones")),
            reservations: rows::seq(rows[0].get("reservations")),
            registrations: rows::seq(rows[0].get("registrations")),
        })
    }
}

/// The version of the current map here, if it is another map. Maps are compared by content: two maps with one
/// version must not be used for one chat.
async fn other_map(
    tx: &mut Transaction<'_>,
    lock: &'static str,
    wanted: &Map,
) -> Result<Option<i64>, Error> {
    tx.query_one(lock, &[&MAPS_LOCK]).await?;
    let Some(row) = tx.query_opt(IN_FORCE, &[]).await? else {
        return Ok(Some(0));
    };
    let here = map(&row)?;
    Ok((here != *wanted).then_some(here.version))
}

async fn trace(
    tx: &mut Transaction<'_>,
    lock: &'static str,
    map: &Map,
    new: &NewChat,
    stale: Option<ChatKey>,
) -> Result<PriorUse, Error> {
    if let Some(other) = other_map(tx, lock, map).await? {
        return Ok(PriorUse::OtherMap(other));
    }
    let bound = bound(tx, new, stale).await?;
    if let Some(before) = chats::registered_before(tx, new).await? {
        return Ok(PriorUse::Known(before));
    }
    if let Some(bound) = bound {
        return Ok(PriorUse::Bound(bound));
    }
    let used: bool = tx.query_one(chats::USED, &[&uuid(new.key)]).await?.get(0);
    Ok(match used {
        true => PriorUse::Known(Registered::Taken),
        false if chats::is_reserved(tx, new.key).await? => PriorUse::Reserved,
        false => PriorUse::None,
    })
}

/// The other chat that a registration's `id` was used for, apart from `stale`. Locks the `id` until the
/// transaction ends.
async fn bound(
    tx: &mut Transaction<'_>,
    new: &NewChat,
    stale: Option<ChatKey>,
) -> Result<Option<Binding>, Error> {
    let Some((digest, _)) = &new.registration else {
        return Ok(None);
    };
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    let lock = [[a, b, c, d], [e, f, g, h]].map(i32::from_be_bytes);
    tx.query_one(ID_LOCK, &[&lock[0], &lock[1]]).await?;
    let digest = &digest.as_bytes()[..];
    let Some(row) = tx.query_opt(BOUND, &[&digest, &ms(SETTLED_AFTER)]).await? else {
        return Ok(None);
    };
    let key = rows::key(&row, "key")?;
    let binding = Binding {
        key,
        is_settled: row.try_get("settled")?,
    };
    Ok((key != new.key && Some(key) != stale).then_some(binding))
}

fn map(row: &Row) -> Result<Map, Error> {
    Ok(Map {
        version: row.try_get("version")?,
        servers: row.try_get("servers")?,
        since: moment(row, "since")?,
    })
}
