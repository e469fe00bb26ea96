//! The embedded store: one file, one thread that writes, a few that read.
//!
//! Write-ahead log with `synchronous=FULL`: a commit is on the disk before it is answered. Deleted
//! content is overwritten (`secure_delete`). Every writing call is one transaction.

mod asks;
mod backup;
mod chats;
mod disk;
mod ended;
mod examine;
mod file;
mod messages;
mod migrate;
mod rows;
mod seats;
mod worker;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actors::{
    domain::{
        AskWord, Caller, Chat, ChatKey, CodeDigest, Draft, Page, SecretDigest, Seq, Timestamp,
        UserName,
    },
    ports::{
        Access, Answered, Appended, AskFound, By, ChatRoom, Claim, Claimed, Clock, DeferredWrite,
        Ending, HistoryPage, Lookup, NewAsk, NewChat, Position, Registered, Replaced,
        SessionChoice, Store, StoreError, Verdict,
    },
};
use async_trait::async_trait;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tracing::warn;

use super::OpenError;
use disk::DiskFloor;
use ended::EndedInLog;
use file::{connect, empty_log, has_log};
use worker::Worker;

pub use backup::{backup, restore};
pub use examine::examine;
pub use file::FileLock;

/// Threads that read.
const READERS: usize = 2;
/// What the thread that writes keeps of the file in memory, at most: it reads each page before it
/// changes it.
const WRITER_CACHE_KIB: i32 = 8_192;
/// How often a stopping process tries to empty the log, and how long it waits in between.
const EMPTY_ATTEMPTS: usize = 20;
const EMPTY_PAUSE: Duration = Duration::from_millis(100);

/// A write that reaches the disk.
const PROBE: &str = "INSERT INTO probe (id, at) VALUES (1, ?1)
                     ON CONFLICT (id) DO UPDATE SET at = excluded.at";

/// The store in one file.
pub struct SqliteStore {
    path: PathBuf,
    writer: Worker,
    readers: Vec<Worker>,
    next_reader: AtomicUsize,
    clock: Arc<dyn Clock>,
    ended: EndedInLog,
    disk: Arc<DiskFloor>,
}

impl SqliteStore {
    /// Opens the file, making it and its folder where they are missing, and migrates it. Nothing
    /// that makes it grow is taken while less than so many bytes of its disk are free.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what is wrong with it.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        free_bytes_min: u64,
    ) -> Result<Self, OpenError> {
        file::prepare(path)?;
        let failed = |error: &dyn std::fmt::Display| OpenError::file(path, error);
        let mut writer = connect(path).map_err(|error| failed(&error))?;
        // A negative number is in KiB rather than in pages.
        writer
            .pragma_update(None, "cache_size", -WRITER_CACHE_KIB)
            .map_err(|error| failed(&error))?;
        migrate::migrate(&mut writer).map_err(|error| failed(&error))?;
        let reader = |number| {
            let connection = connect(path).map_err(|error| failed(&error))?;
            connection
                .pragma_update(None, "query_only", true)
                .map_err(|error| failed(&error))?;
            Worker::start(&format!("sqlite-read-{number}"), connection)
                .map_err(|error| failed(&error))
        };
        Ok(Self {
            path: path.into(),
            ended: EndedInLog::default(),
            disk: Arc::new(DiskFloor::new(path, free_bytes_min)),
            readers: (0..READERS).map(reader).collect::<Result<_, _>>()?,
            writer: Worker::start("sqlite-write", writer).map_err(|error| failed(&error))?,
            next_reader: AtomicUsize::new(0),
            clock,
        })
    }

    /// Leaves one complete file: the log is taken into it and removed.
    pub async fn close(&self) {
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

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (clock, disk) = (self.clock.clone(), self.disk.clone());
        self.writer
            .call(move |connection| {
                let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let done = work(&tx, clock.now())?;
                tx.commit()?;
                disk.look();
                Ok(done)
            })
            .await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let clock = self.clock.clone();
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed);
        self.readers[turn % self.readers.len()]
            .call(move |connection| {
                // One snapshot for all that one question reads.
                let tx = connection.transaction()?;
                work(&tx, clock.now())
            })
            .await
    }
}

#[async_trait]
impl Store for SqliteStore {
    /// One: there is one writer, and the larger its batches the better.
    fn lanes(&self) -> usize {
        1
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.write(|tx, now| tx.execute(PROBE, [rows::Col(now)]).map(|_| ()))
            .await
    }

    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError> {
        self.disk.check()?;
        self.write(move |tx, now| chats::reserve(tx, key, now.plus(hold), now))
            .await
    }

    async fn register(&self, new: NewChat) -> Result<Registered, StoreError> {
        self.disk.check()?;
        self.write(move |tx, now| chats::register(tx, &new, now))
            .await
    }

    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Lookup<bool>, StoreError> {
        let name = name.clone();
        self.write(move |tx, now| seats::name_seat_two(tx, key, &name, now))
            .await
    }

    async fn status(&self, key: ChatKey) -> Result<Lookup<()>, StoreError> {
        self.read(move |connection, now| Ok(rows::living(connection, key, now)?.map(|_| ())))
            .await
    }

    async fn load(&self, key: ChatKey) -> Result<Lookup<Chat>, StoreError> {
        self.read(move |connection, now| chats::load(connection, key, now))
            .await
    }

    async fn check_sessions(&self, callers: &[Caller]) -> Result<Vec<Access<Seq>>, StoreError> {
        let callers = callers.to_vec();
        self.read(move |connection, now| {
            let check = |caller: &Caller| {
                let found = rows::access(connection, (*caller).into(), now)?;
                Ok(found.map(|living| living.last_seq))
            };
            callers.iter().map(check).collect()
        })
        .await
    }

    async fn positions(&self, keys: &[ChatKey]) -> Result<Vec<Option<Position>>, StoreError> {
        let keys = keys.to_vec();
        self.read(move |connection, now| {
            keys.iter()
                .map(|key| rows::position(connection, *key, now))
                .collect()
        })
        .await
    }

    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError> {
        self.disk.check()?;
        let drafts = drafts.to_vec();
        self.write(move |tx, now| messages::append(tx, &drafts, room, now))
            .await
    }

    async fn history(
        &self,
        by: By,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError> {
        self.read(move |connection, now| messages::history(connection, by, page, limit, now))
            .await
    }

    async fn take_seat(&self, claim: Claim) -> Result<Lookup<Claimed>, StoreError> {
        self.write(move |tx, now| seats::take(tx, &claim, now))
            .await
    }

    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError> {
        self.write(move |tx, now| seats::end_session(tx, by, which, now))
            .await
    }

    async fn set_return_code(
        &self,
        by: Caller,
        code: CodeDigest,
    ) -> Result<Access<()>, StoreError> {
        self.write(move |tx, now| seats::set_return_code(tx, by, code, now))
            .await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError> {
        self.write(move |tx, now| seats::set_device_code(tx, by, code, valid, now))
            .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Lookup<()>, StoreError> {
        self.write(move |tx, now| asks::ask(tx, key, &ask, now))
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<AskFound>, StoreError> {
        self.read(move |connection, now| asks::ask_state(connection, key, digest, now))
            .await
    }

    async fn answer(
        &self,
        by: Caller,
        word: AskWord,
        verdict: Verdict,
    ) -> Result<Access<Answered>, StoreError> {
        self.write(move |tx, now| asks::answer(tx, by, word, verdict, now))
            .await
    }

    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError> {
        self.read(move |connection, _| asks::replaced(connection, key, digest))
            .await
    }

    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError> {
        let writes = writes.to_vec();
        self.write(move |tx, _| messages::write_deferred(tx, &writes))
            .await
    }

    async fn end(&self, by: By) -> Result<Ending, StoreError> {
        self.write(move |tx, now| chats::end(tx, by, now)).await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
        self.write(move |tx, now| chats::expire(tx, limit, now))
            .await
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
        let (clock, ended) = (self.clock.clone(), self.ended.clone());
        self.writer
            .call(move |connection| {
                let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let purged = chats::purge(&tx, limit, tombstone_life, clock.now())?;
                tx.commit()?;
                if purged.chats > 0 {
                    // The log still holds what was written when the chats lived.
                    ended.mark();
                }
                ended.forget(connection)?;
                Ok(purged.rows)
            })
            .await
    }

    async fn count_chats(&self) -> Result<u64, StoreError> {
        self.read(|connection, now| {
            connection.query_row(
                "SELECT count(*) FROM chats WHERE expires_at > ?1",
                [rows::Col(now)],
                |row| row.get(0),
            )
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::{ports::SystemClock, testing::Stores};

    use super::*;

    async fn open() -> Stores {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::default());
        let store = SqliteStore::open(&folder.path().join("duet.db"), clock, 0).unwrap();
        Stores::one(Arc::new(store), folder)
    }

    actors::store_suite!(open);
}
