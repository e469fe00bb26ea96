//! Expiry, deletion and health checks.

use std::time::Duration;

use actors::{
    domain::{ChatKey, Timestamp},
    ports::{Principal, Upkeep},
};
use async_trait::async_trait;
use rusqlite::{OptionalExtension, Transaction, params};
use tracing::warn;

use super::{
    Result, SqliteStore,
    chats::end,
    damage::{Damaged, without_damaged},
    file::{empty_log, has_log},
    is_full,
    rows::{Col, get},
};

/// How often closing tries to empty the log, and how long it waits in between.
const EMPTY_ATTEMPTS: usize = 20;
const EMPTY_PAUSE: Duration = Duration::from_millis(100);

/// How many rows are deleted at a time on a full disk.
const SLICE_IN_NEED: usize = 100;

/// A write that reaches the disk.
pub(super) const PROBE: &str = "INSERT INTO probe (id, at) VALUES (1, ?1)
                     ON CONFLICT (id) DO UPDATE SET at = excluded.at";

#[async_trait]
impl Upkeep for SqliteStore {
    async fn ping(&self) -> Result<()> {
        let write = async {
            let disk = self.disk.clone();
            let look = self.writer.call(move |_| {
                disk.refresh();
                Ok(())
            });
            look.await?;
            // This small write may still fit when a message does not.
            self.disk.check()?;
            self.transaction(|tx, now| tx.execute(PROBE, [Col(now)]).map(|_| ()))
                .await
        };
        self.meter.ping(write).await
    }

    /// Chats that cannot be ended stay; that is an error only if none could be ended, so that the ends of the
    /// others are reported.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>> {
        self.write_on_full_disk("expire", move |tx, now, damaged| {
            let due: Vec<ChatKey> = tx
                .prepare_cached(
                    "SELECT key FROM chats WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
                )?
                .query_map(params![Col(now), limit], |row| get(row, "key"))?
                .collect::<rusqlite::Result<_>>()?;
            let mut ended = Vec::with_capacity(due.len());
            for key in due {
                if damaged.try_chat(key) && end(tx, Principal::Server(key), now)?.is_ok() {
                    ended.push(key);
                }
            }
            if ended.is_empty() {
                damaged.report()?;
            }
            Ok(ended)
        })
        .await
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize> {
        let (clock, ended, disk) = (self.clock.clone(), self.ended.clone(), self.disk.clone());
        let purging = self.writer.call(move |connection| {
            let mut attempt = |limit| {
                let purge = |tx: &Transaction<'_>, damaged: &mut Damaged| {
                    purge(tx, limit, tombstone_life, clock.now(), damaged)
                };
                without_damaged(connection, &disk, purge)
            };
            let (purged, mut damaged) = match attempt(limit) {
                Err(error) if is_full(&error) => {
                    disk.use_reserve();
                    // A smaller slice needs less space in the log.
                    attempt(limit.min(SLICE_IN_NEED))
                }
                purged => purged,
            }?;
            if purged.chats > 0 {
                // The log still has the content of the deleted chats.
                ended.mark();
            }
            ended.forget(connection)?;
            disk.refresh();
            if purged.rows == 0 {
                damaged.report()?;
            }
            Ok(purged.rows)
        });
        self.meter.measure("purge", purging).await
    }

    /// Merges the log into the file and removes it.
    async fn close(&self) {
        let closed = async {
            for reader in &self.readers {
                reader.close().await?;
            }
            for _ in 0..EMPTY_ATTEMPTS {
                if self.writer.call(|connection| empty_log(connection)).await? {
                    break;
                }
                tokio::time::sleep(EMPTY_PAUSE).await;
            }
            self.writer.close().await
        };
        let path = self.path.display();
        match closed.await {
            Err(failure) => warn!(%failure, %path, "the database was not closed in order"),
            Ok(()) if has_log(&self.path) => warn!(
                %path,
                "another process has the database open, so part of it is still in the -wal file: \
                 copy both, or use `duet backup`"
            ),
            Ok(()) => {}
        }
    }

    async fn count_chats(&self) -> Result<u64> {
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
    damaged: &mut Damaged,
) -> rusqlite::Result<Purged> {
    let mut room = limit;
    let mut chats = 0;
    let mut passed = 0;
    while room > 0 {
        let next: Option<ChatKey> = tx
            .prepare_cached("SELECT key FROM tombstones WHERE purged = 0 LIMIT 1 OFFSET ?1")?
            .query_row([passed], |row| get(row, "key"))
            .optional()?;
        let Some(key) = next else { break };
        if damaged.try_chat(key) {
            chats += 1;
            room -= purge_chat(tx, key, room)?;
        } else {
            passed += 1;
        }
    }
    // Answered and expired asks are kept for a while, so that the asker learns the outcome.
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

/// Deletes up to `room` messages of a chat that is over; returns how many. That none are left counts as one.
fn purge_chat(tx: &Transaction<'_>, key: ChatKey, room: usize) -> rusqlite::Result<usize> {
    let mut deleted = tx
        .prepare_cached(
            "DELETE FROM messages WHERE key = ?1 AND seq IN
             (SELECT seq FROM messages WHERE key = ?1 ORDER BY seq LIMIT ?2)",
        )?
        .execute(params![Col(key), room])?;
    if deleted < room {
        deleted += 1;
        tx.execute(
            "UPDATE tombstones SET purged = 1 WHERE key = ?1",
            [Col(key)],
        )?;
    }
    Ok(deleted)
}
