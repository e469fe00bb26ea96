//! The free space on the disk, and a reserve for ending and deleting chats.
//!
//! Below a floor, writes that make the file grow are refused. Other programs can still fill the disk, and
//! SQLite needs space even to delete, because the log grows first. So a reserve file beside the database
//! occupies some space. When ending a chat, or opening the database, finds the disk full, the reserve is deleted and
//! the call retried; until there is space to recreate the reserve, other writes are refused.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use actors::ports::StoreError;
use rusqlite::ffi;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tracing::{info, warn};

use super::file::{create_for_service, folder, sibling};

/// More than opening the database takes.
const OPENING_BYTES: u64 = 1_048_576;
/// Enough to end thousands of chats, and to delete one slice of a long one.
const RESERVE_BYTES: u64 = 8 * 1_048_576;

/// The space on the disk of the database file.
pub(super) struct DiskRoom {
    folder: PathBuf,
    database: PathBuf,
    /// The device and inode of the opened file.
    opened: Option<(u64, u64)>,
    floor_bytes: u64,
    free_bytes: AtomicU64,
    reserve: PathBuf,
    /// Whether the reserve is missing: used up, or not created yet.
    reserve_used: AtomicBool,
}

impl DiskRoom {
    /// Checks the disk and creates the reserve.
    pub(super) fn new(database: &Path, floor_bytes: u64) -> Self {
        let room = Self {
            folder: folder(database).into(),
            database: database.into(),
            opened: identity(database),
            floor_bytes,
            free_bytes: AtomicU64::new(u64::MAX),
            reserve: sibling(database, ".reserve"),
            reserve_used: AtomicBool::new(false),
        };
        room.refresh();
        if let Err(error) = make_reserve(&room.reserve) {
            // A write now could fill the disk, and then no chat could be ended.
            room.reserve_used.store(true, Ordering::Relaxed);
            warn!(
                %error,
                path = %room.reserve.display(),
                "there is no room for the reserve that ending chats takes on a full disk: no message is taken"
            );
        }
        room
    }

    /// Reads the free space, and recreates the reserve if there is enough. Called by the writer thread.
    pub(super) fn refresh(&self) {
        // If the system does not say, the last value stays: a full disk fails the write itself.
        let Some(free) = free_bytes(&self.database) else {
            return;
        };
        self.free_bytes.store(free, Ordering::Relaxed);
        // Twice its size, so that the next writes do not use it up at once.
        let is_wanted = self.reserve_used.load(Ordering::Relaxed);
        if is_wanted && free >= 2 * RESERVE_BYTES && make_reserve(&self.reserve).is_ok() {
            self.reserve_used.store(false, Ordering::Relaxed);
            info!("the disk has room again: the reserve is restored");
        }
    }

    /// Whether not even the database can be opened.
    pub(super) fn is_full(&self) -> bool {
        self.free_bytes.load(Ordering::Relaxed) < OPENING_BYTES
    }

    /// Deletes the reserve to free its space; false if there is none.
    pub(super) fn use_reserve(&self) -> bool {
        if fs::remove_file(&self.reserve).is_err() {
            return false;
        }
        self.reserve_used.store(true, Ordering::Relaxed);
        warn!(
            "the disk is full: the reserve is used to open the database, and to end and delete chats"
        );
        true
    }

    /// # Errors
    /// [`StoreError::NoRoom`] below the floor, and without the reserve.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let free = self.free_bytes.load(Ordering::Relaxed);
        let folder = self.folder.display();
        if self.reserve_used.load(Ordering::Relaxed) {
            return Err(StoreError::NoRoom(format!(
                "{free} bytes are free in {folder}, too few for the reserve that ending chats takes on a full disk"
            )));
        }
        if free < self.floor_bytes {
            return Err(StoreError::NoRoom(format!(
                "{free} bytes are free in {folder}, less than limits.free_disk_mib_min"
            )));
        }
        Ok(())
    }

    /// Checks that the file is still in place: writes to a deleted or replaced file are lost when the process
    /// ends.
    ///
    /// # Errors
    /// If another file, or none, is at its path.
    pub(super) fn check_file(&self) -> rusqlite::Result<()> {
        if identity(&self.database) == self.opened {
            return Ok(());
        }
        let why = format!(
            "{} was deleted or replaced while it is served: stop duet, and put the file back",
            self.database.display()
        );
        let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
        Err(rusqlite::Error::SqliteFailure(code, Some(why)))
    }
}

/// The free bytes on the disk of a file, if the system says.
pub(super) fn free_bytes(database: &Path) -> Option<u64> {
    let disk = statvfs(folder(database)).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Creates the reserve, all of it or nothing.
fn make_reserve(path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|file| file.len() >= RESERVE_BYTES) {
        return Ok(());
    }
    let mut file = create_for_service(path)?;
    let made = match fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES) {
        Err(rustix::io::Errno::OPNOTSUPP) => fill(&mut file),
        made => made.map_err(io::Error::from),
    };
    if made.is_err() {
        fs::remove_file(path)?;
    }
    made
}

/// On file systems that cannot allocate without writing.
fn fill(file: &mut File) -> io::Result<()> {
    let part = vec![0; 65_536];
    for _ in 0..RESERVE_BYTES / part.len() as u64 {
        file.write_all(&part)?;
    }
    file.sync_all()
}
