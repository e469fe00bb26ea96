//! Expiry, deletion, health, and which instances share the store.

use std::time::Duration;

use actors::{
    domain::ChatKey,
    ports::{By, Ending, Peer, StoreError, Upkeep},
};
use async_trait::async_trait;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    PostgresStore,
    chats::end,
    rows::{self, ms, seq, unreadable},
    transaction::Transaction,
};

/// What a write of any kind needs from its tables, and one that reaches the disk.
const HOLD_TABLES: &str = "LOCK TABLE chats, seats, sessions, messages IN ROW EXCLUSIVE MODE";
pub(super) const PROBE: &str = "INSERT INTO probe (id, at) VALUES (1, clock_ms())
                     ON CONFLICT (id) DO UPDATE SET at = excluded.at";

const EXPIRED: &str = include_str!("sql/expired.sql");

/// Beats, forgets those that are long silent, and answers the other ones that live, in one call.
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
    async fn ping(&self) -> Result<(), StoreError> {
        let write = self.connections.transaction(async |tx| {
            // Somebody may hold a table, which a write to another one does not notice.
            tx.execute(HOLD_TABLES, &[]).await?;
            tx.execute(PROBE, &[]).await?;
            Ok(())
        });
        self.meter.ping(write).await
    }

    /// Ends them in the order of their keys, as everybody locks who locks several.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
        self.transaction("expire", async |tx| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut ended = Vec::new();
            for row in tx.query(EXPIRED, &[&limit]).await? {
                let key = rows::key(&row, "key")?;
                if end(tx, By::Server(key)).await? == Ending::Ended {
                    ended.push(key);
                }
            }
            Ok(ended)
        })
        .await
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
        self.transaction("purge", async |tx| purge(tx, limit, tombstone_life).await)
            .await
    }

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        let rows = self.query("beat", BEAT, &[&own, &bus_address]).await?;
        let peers = rows.iter().map(peer).collect::<Result<_, _>>();
        peers.map_err(unreadable)
    }

    async fn count_chats(&self) -> Result<u64, StoreError> {
        let count = include_str!("sql/count_chats.sql");
        let found = self.query("count_chats", count, &[]).await?;
        Ok(seq(found[0].get(0)))
    }
}

const NEXT_TO_PURGE: &str = include_str!("sql/next_to_purge.sql");
const PURGE: &str = include_str!("sql/purge.sql");
const LAPSED: [&str; 3] = [
    "DELETE FROM reservations WHERE key IN
        (SELECT key FROM reservations WHERE expires_at <= now_ms() - 0 * $1::bigint LIMIT $2)",
    // An answered or lapsed wish is kept a while, so that its asker learns how it went.
    "DELETE FROM asks WHERE (key, digest) IN
        (SELECT key, digest FROM asks WHERE expires_at <= now_ms() - 600000 - 0 * $1::bigint LIMIT $2)",
    include_str!("sql/forget_tombstones.sql"),
];

async fn purge(
    tx: &mut Transaction<'_>,
    limit: usize,
    tombstone_life: Duration,
) -> Result<usize, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut room = limit;
    while room > 0 {
        let Some(row) = tx.query_opt(NEXT_TO_PURGE, &[]).await? else {
            break;
        };
        let key: uuid::Uuid = row.try_get("key")?;
        let deleted = count(tx.execute(PURGE, &[&key, &room]).await?);
        if deleted < room {
            tx.execute(
                "UPDATE tombstones SET purged = true WHERE key = $1",
                &[&key],
            )
            .await?;
            // An instance of a version before these were kept has left them behind.
            tx.execute("DELETE FROM replaced_secrets WHERE key = $1", &[&key])
                .await?;
        }
        room -= deleted;
    }
    let life_ms = ms(tombstone_life);
    for delete in LAPSED {
        room -= count(tx.execute(delete, &[&life_ms, &room]).await?);
    }
    Ok(usize::try_from(limit - room).unwrap_or(0))
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn peer(row: &Row) -> Result<Peer, Error> {
    Ok(Peer {
        boot: row.try_get("boot")?,
        bus_address: row.try_get("bus")?,
        beats: seq(row.try_get("beats")?),
    })
}
