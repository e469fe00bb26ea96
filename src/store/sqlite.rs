//! The embedded store: one file, one writer thread, a few reader threads.
//!
//! Write-ahead log with `synchronous=FULL`: a commit is on the disk before it is answered. `secure_delete`
//! overwrites deleted content. Every write is one transaction.

mod asks;
mod backup;
mod chats;
mod damage;
mod disk;
mod ended;
mod errors;
mod examine;
mod file;
mod locate;
mod marks;
mod messages;
mod migrate;
mod rows;
mod seats;
mod upkeep;
mod worker;

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use actors::{domain::Timestamp, ports::Clock};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use rustix::io::Errno;

use super::{Meter, OpenError, Result};
use damage::{Damaged, without_damaged};
use disk::DiskRoom;
use ended::EndedInLog;
use file::connect;
use locate::locate;
use worker::Worker;

pub use backup::{backup, restore};
pub use examine::examine;
pub use file::FileLock;

/// The number of reader threads.
const READERS: usize = 2;
/// The writer's page cache: it reads each page before it changes it.
const WRITER_CACHE_KIB: i32 = 8_192;

/// The store in one file.
pub struct SqliteStore {
    path: PathBuf,
    writer: Worker,
    readers: Vec<Worker>,
    next_reader: AtomicUsize,
    clock: Arc<dyn Clock>,
    ended: EndedInLog,
    disk: Arc<DiskRoom>,
    meter: Meter,
}

impl SqliteStore {
    /// Opens the file, creating it and its folder as needed, and migrates it. While less of its disk is free
    /// than the settings ask for, writes that make it grow are refused.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what is wrong with it.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        free_bytes_min: u64,
        meter: Meter,
    ) -> Result<Self, OpenError> {
        let path = locate(path)?;
        file::prepare(&path)?;
        let disk = DiskRoom::new(&path, free_bytes_min);
        let workers = match start_workers(&path) {
            Err(_) if disk.is_full() && disk.use_reserve() => start_workers(&path),
            started => started,
        };
        let (writer, readers) = workers.map_err(|error| match disk.is_full() {
            // To SQLite it is an I/O error.
            true => OpenError::file(&path, &io::Error::from(Errno::NOSPC)),
            false => OpenError::file(&path, &*error),
        })?;
        Ok(Self {
            path,
            ended: EndedInLog::default(),
            disk: Arc::new(disk),
            readers,
            writer,
            next_reader: AtomicUsize::new(0),
            clock,
            meter,
        })
    }

    /// Runs a call as a write transaction.
    async fn write<T: Send + 'static>(
        &self,
        call: &'static str,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.meter.measure(call, self.transaction(work)).await
    }

    /// Like `write`, for calls that make the file grow: refused when the disk is nearly full.
    async fn write_more<T: Send + 'static>(
        &self,
        call: &'static str,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let transaction = async {
            self.disk.check()?;
            self.transaction(work).await
        };
        self.meter.measure(call, transaction).await
    }

    async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (clock, disk) = (self.clock.clone(), self.disk.clone());
        self.writer
            .call(move |connection| {
                let done = transaction(connection, &disk, |tx| work(tx, clock.now()))?;
                disk.refresh();
                Ok(done)
            })
            .await
    }

    /// Like `write`, for calls that must succeed on a full disk, because they free space or end a chat or
    /// session.
    async fn write_on_full_disk<T: Send + 'static>(
        &self,
        call: &'static str,
        work: impl Fn(&Transaction<'_>, Timestamp, &mut Damaged) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (clock, disk) = (self.clock.clone(), self.disk.clone());
        let writing = self.writer.call(move |connection| {
            let mut attempt = || {
                let work =
                    |tx: &Transaction<'_>, damaged: &mut Damaged| work(tx, clock.now(), damaged);
                without_damaged(connection, &disk, work)
            };
            let (done, _) = match attempt() {
                Err(error) if is_full(&error) && disk.use_reserve() => attempt(),
                done => done,
            }?;
            disk.refresh();
            Ok(done)
        });
        self.meter.measure(call, writing).await
    }

    /// Runs a read-only call on one snapshot.
    async fn read<T: Send + 'static>(
        &self,
        call: &'static str,
        work: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let clock = self.clock.clone();
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed);
        let reading = self.readers[turn % self.readers.len()].call(move |connection| {
            let tx = connection.transaction()?;
            work(&tx, clock.now())
        });
        self.meter.measure(call, reading).await
    }
}

/// Migrates the tables, and starts the threads of the writer and the readers.
fn start_workers(path: &Path) -> Result<(Worker, Vec<Worker>), Box<dyn Error>> {
    let mut writer = connect(path)?;
    // Negative: KiB instead of pages.
    writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    migrate::migrate(&mut writer)?;
    let mut readers = Vec::with_capacity(READERS);
    for number in 0..READERS {
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true)?;
        readers.push(Worker::start(&format!("sqlite-read-{number}"), reader)?);
    }
    Ok((Worker::start("sqlite-write", writer)?, readers))
}

/// Runs a transaction that takes the write lock at its start.
fn transaction<T>(
    connection: &mut Connection,
    disk: &DiskRoom,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    disk.check_file()?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&tx)?;
    tx.commit()?;
    Ok(done)
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use actors::{
        ports::{Principal, SystemClock},
        testing::{Stores, key, new_chat},
    };
    use prometheus::Registry;

    use super::*;

    async fn open() -> Stores {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let meter = Meter::register(&Registry::new());
        let store = SqliteStore::open(&folder.path().join("duet.db"), clock, 0, meter).unwrap();
        let store = Arc::new(store);
        Stores::new(store.clone(), store, folder)
    }

    actors::store_suite!(open);

    #[tokio::test]
    async fn a_purge_counts_chats_without_a_message() {
        let stores = open().await;
        let here = &stores.here;
        for _ in 0..5 {
            let key = key();
            here.register(new_chat(key)).await.unwrap();
            here.end(Principal::Server(key)).await.unwrap().unwrap();
        }
        let life = Duration::from_secs(3600);
        for rows in [2, 2, 1, 0] {
            assert_eq!(here.purge(2, life).await.unwrap(), rows);
        }
    }
}
