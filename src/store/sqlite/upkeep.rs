//! Expiry, deletion, health.

use std::time::Duration;

use actors::{
    domain::{ChatKey, Timestamp},
    ports::{By, StoreError, Upkeep},
};
use async_trait::async_trait;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::{
    SqliteStore,
    chats::end,
    rows::{Col, get},
};

/// A write that reaches the disk.
pub(super) const PROBE: &str = "INSERT INTO probe (id, at) VALUES (1, ?1)
                     ON CONFLICT (id) DO UPDATE SET at = excluded.at";

#[async_trait]
impl Upkeep for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        let write = self.transaction(|tx, now| tx.execute(PROBE, [Col(now)]).map(|_| ()));
        self.meter.ping(write).await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
        self.write("expire", move |tx, now| {
            let keys: Vec<ChatKey> = tx
                .prepare_cached(
                    "SELECT key FROM chats WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
                )?
                .query_map(params![Col(now), limit], |row| get(row, "key"))?
                .collect::<rusqlite::Result<_>>()?;
            for key in &keys {
                end(tx, By::Server(*key), now)?;
            }
            Ok(keys)
        })
        .await
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
        let (clock, ended) = (self.clock.clone(), self.ended.clone());
        let purging = self.writer.call(move |connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let purged = purge(&tx, limit, tombstone_life, clock.now())?;
            tx.commit()?;
            if purged.chats > 0 {
                // The log still holds what was written when the chats lived.
                ended.mark();
            }
            ended.forget(connection)?;
            Ok(purged.rows)
        });
        self.meter.measure("purge", purging).await
    }

    async fn count_chats(&self) -> Result<u64, StoreError> {
        self.read("count_chats", |connection, now| {
            connection.query_row(
                "SELECT count(*) FROM chats WHERE expires_at > ?1",
                [Col(now)],
                |row| row.get(0),
            )
        })
        .await
    }
}

/// What a purge deleted.
struct Purged {
    rows: usize,
    /// Chats of which something was deleted.
    chats: usize,
}

fn purge(
    tx: &Transaction<'_>,
    limit: usize,
    tombstone_life: Duration,
    now: Timestamp,
) -> rusqlite::Result<Purged> {
    let mut room = limit;
    let mut chats = 0;
    while room > 0 {
        let next: Option<ChatKey> = tx
            .prepare_cached("SELECT key FROM tombstones WHERE purged = 0 LIMIT 1")?
            .query_row([], |row| get(row, "key"))
            .optional()?;
        let Some(key) = next else { break };
        chats += 1;
        let deleted = tx
            .prepare_cached(
                "DELETE FROM messages WHERE key = ?1 AND seq IN
                 (SELECT seq FROM messages WHERE key = ?1 ORDER BY seq LIMIT ?2)",
            )?
            .execute(params![Col(key), room])?;
        if deleted < room {
            tx.execute(
                "UPDATE tombstones SET purged = 1 WHERE key = ?1",
                [Col(key)],
            )?;
        }
        room -= deleted;
    }
    // An answered or lapsed wish is kept a while, so that its asker learns how it went.
    let old = Timestamp::from_unix_ms(now.unix_ms() - 600_000);
    let eldest = now.unix_ms() - i64::try_from(tombstone_life.as_millis()).unwrap_or(i64::MAX);
    for (delete, before) in [
        (
            "DELETE FROM reservations WHERE key IN
          (SELECT key FROM reservations WHERE expires_at <= ?1 LIMIT ?2)",
            now,
        ),
        (
            "DELETE FROM asks WHERE (key, digest) IN
          (SELECT key, digest FROM asks WHERE expires_at <= ?1 LIMIT ?2)",
            old,
        ),
        (
            "DELETE FROM tombstones WHERE key IN
          (SELECT key FROM tombstones WHERE ended_at <= ?1 AND purged = 1 LIMIT ?2)",
            Timestamp::from_unix_ms(eldest),
        ),
    ] {
        room -= tx
            .prepare_cached(delete)?
            .execute(params![Col(before), room])?;
    }
    Ok(Purged {
        rows: limit - room,
        chats,
    })
}
