//! Expiry, deletion, health checks, and the list of instances.

use std::time::Duration;

use actors::{
    domain::ChatKey,
    ports::{Peer, Principal, StoreError, Upkeep},
};
use async_trait::async_trait;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    PostgresStore, Result,
    chats::end,
    errors::describe,
    pool::Params,
    rows::{self, bound, ms, read_all, seq},
    transaction::{Failed, Transaction},
};
use crate::words::counted;

/// Writes to each kind of table, and commits to the disk.
const HOLD_TABLES: &str = "LOCK TABLE chats, seats, sessions, messages IN ROW EXCLUSIVE MODE";
pub(super) const PROBE: &str = "INSERT INTO probe (id, at) VALUES (1, clock_ms())
                     ON CONFLICT (id) DO UPDATE SET at = excluded.at";

const EXPIRED: &str = include_str!("sql/expired.sql");

/// Updates the own heartbeat, deletes stale ones, and returns the other live instances, in one call.
const BEAT: &str = "
    WITH silent AS (
        DELETE FROM instances WHERE boot IN (
            SELECT boot FROM instances WHERE beat_at < now_ms() - 60000 AND boot <> $1
            FOR UPDATE SKIP LOCKED
        )
    ), own AS (
        INSERT INTO instances AS i (boot, bus, beats, beat_at) VALUES ($1, $2, 1, now_ms())
        ON CONFLICT (boot) DO UPDATE SET beats = i.beats + 1, beat_at = now_ms()
    )
    SELECT boot, bus, beats FROM instances WHERE boot <> $1 AND beat_at >= now_ms() - 10000";

#[async_trait]
impl Upkeep for PostgresStore {
    async fn ping(&self) -> Result<()> {
        let write = self.connections.transaction(async |tx| {
            // A table may be locked while others can be written.
            tx.execute(HOLD_TABLES, &[]).await?;
            tx.execute(PROBE, &[]).await?;
            Ok(())
        });
        self.meter.ping(write).await
    }

    /// Ends expired chats in key order, as everything locks several chats. Chats that cannot be ended stay;
    /// that is an error only if none could be ended, so that the ends of the others are reported.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>> {
        self.transaction("expire", async |tx| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut ended = Vec::new();
            let mut failed = Failed::default();
            for row in tx.query(EXPIRED, &[&limit]).await? {
                let key = rows::key(&row, "key")?;
                let end = async |tx: &mut Transaction<'_>| end(tx, Principal::Server(key)).await;
                if tx.isolate(&mut failed, end).await? == Some(Ok(())) {
                    ended.push(key);
                }
            }
            match failed.first {
                Some(error) if ended.is_empty() => Err(error),
                _ => Ok(ended),
            }
        })
        .await
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize> {
        let purging = async {
            let purge = async |tx: &mut Transaction<'_>| purge(tx, limit, tombstone_life).await;
            let purged = self.connections.transaction(purge).await?;
            match purged.failed.first {
                Some(error) if purged.rows == 0 => Err(StoreError::Refused(format!(
                    "{} cannot be deleted: {}",
                    counted(purged.failed.chats, "ended chat"),
                    describe(&error)
                ))),
                _ => Ok(purged.rows),
            }
        };
        self.meter.measure("purge", purging).await
    }

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>> {
        let params: Params<'_> = &[&own, &bus_address];
        let beat = self.connections.write(BEAT, params);
        let rows = self.meter.measure("beat", beat).await?;
        read_all(&rows, peer)
    }

    async fn count_chats(&self) -> Result<u64> {
        let count = include_str!("sql/count_chats.sql");
        let found = self.query("count_chats", count, &[]).await?;
        Ok(seq(found[0].get(0)))
    }
}

const NEXT_TO_PURGE: &str = include_str!("sql/next_to_purge.sql");
const PURGE: &str = include_str!("sql/purge.sql");
/// Chats that one purge deletes. Each takes several round trips, and all of them the time of one call.
const PURGED_CHATS_MAX: usize = 100;
const LAPSED: [&str; 4] = [
    "DELETE FROM reservations WHERE key IN
        (SELECT key FROM reservations WHERE expires_at <= now_ms() - 0 * $1::bigint LIMIT $2)",
    "DELETE FROM registrations WHERE digest IN
        (SELECT digest FROM registrations WHERE expires_at <= now_ms() - 0 * $1::bigint LIMIT $2)",
    // Answered and expired asks are kept for a while, so that the asker learns the outcome.
    "DELETE FROM asks WHERE (key, digest) IN
        (SELECT key, digest FROM asks WHERE expires_at <= now_ms() - 600000 - 0 * $1::bigint LIMIT $2)",
    include_str!("sql/forget_tombstones.sql"),
];

struct Purged {
    rows: usize,
    /// Chats of which nothing could be deleted.
    failed: Failed,
}

async fn purge(
    tx: &mut Transaction<'_>,
    limit: usize,
    tombstone_life: Duration,
) -> Result<Purged, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut room = limit;
    let mut failed = Failed::default();
    let mut purged = 0;
    while room > 0 && purged < PURGED_CHATS_MAX {
        // Failed chats come first again, in the order of the index.
        let skipped = i64::try_from(failed.chats).unwrap_or(i64::MAX);
        let Some(row) = tx.query_opt(NEXT_TO_PURGE, &[&skipped]).await? else {
            break;
        };
        let key: Uuid = row.try_get("key")?;
        let purge = async |tx: &mut Transaction<'_>| purge_chat(tx, key, room).await;
        if let Some(deleted) = tx.isolate(&mut failed, purge).await? {
            room -= deleted;
            purged += 1;
        }
    }
    let life_ms = ms(tombstone_life);
    for delete in LAPSED {
        room -= bound(tx.execute(delete, &[&life_ms, &room]).await?);
    }
    Ok(Purged {
        rows: usize::try_from(limit - room).unwrap_or(0),
        failed,
    })
}

/// Deletes up to `room` messages of a chat that is over; returns how many. That none are left counts as one.
async fn purge_chat(tx: &mut Transaction<'_>, key: Uuid, room: i64) -> Result<i64, Error> {
    let mut deleted = bound(tx.execute(PURGE, &[&key, &room]).await?);
    if deleted < room {
        deleted += 1;
        let purged = "UPDATE tombstones SET purged = true WHERE key = $1";
        tx.execute(purged, &[&key]).await?;
        // Left behind by an instance of a release that did not know this table.
        tx.execute("DELETE FROM replaced_secrets WHERE key = $1", &[&key])
            .await?;
    }
    Ok(deleted)
}

fn peer(row: &Row) -> Result<Peer, Error> {
    Ok(Peer {
        boot: row.try_get("boot")?,
        bus_address: row.try_get("bus")?,
        beats: seq(row.try_get("beats")?),
    })
}
