//! How much room is left on the disk, and the reserve that ends and deletions can fall back on.
//!
//! Below a floor nothing is taken that makes the file grow. Other programs can fill the disk all the
//! same, and SQLite needs room even to delete: the log of writes grows first. So a file beside the
//! database keeps some room occupied. When an end finds the disk full, that file is deleted and the
//! end is tried again; until there is room to make the file anew, nothing else is taken.

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

use super::file::{beside, create};

/// Enough to end thousands of chats, and to delete one slice of a long one.
const RESERVE_BYTES: u64 = 8 * 1_048_576;

/// The room on the disk that the database file is on.
pub(super) struct DiskRoom {
    folder: PathBuf,
    database: PathBuf,
    /// The file that was opened, by device and inode.
    opened: Option<(u64, u64)>,
    floor_bytes: u64,
    free_bytes: AtomicU64,
    reserve: PathBuf,
    /// Whether there is no reserve: it was given up, or could not be made so far.
    reserve_used: AtomicBool,
}

impl DiskRoom {
    /// Looks for the first time, and makes the reserve.
    pub(super) fn new(database: &Path, floor_bytes: u64) -> Self {
        let room = Self {
            folder: folder(database).into(),
            database: database.into(),
            opened: identity(database),
            floor_bytes,
            free_bytes: AtomicU64::new(u64::MAX),
            reserve: beside(database, ".reserve"),
            reserve_used: AtomicBool::new(false),
        };
        room.look();
        if let Err(error) = make_reserve(&room.reserve) {
            // What is taken now could fill the disk, and then no chat could be ended.
            room.reserve_used.store(true, Ordering::Relaxed);
            warn!(
                %error,
                path = %room.reserve.display(),
                "there is no room for the reserve that ending chats takes on a full disk: no message is taken"
            );
        }
        room
    }

    /// Looks how much is free now, and makes the reserve again where there is room for it. Called by
    /// the thread that writes.
    pub(super) fn look(&self) {
        // Where the system does not say, what was known stays: a full disk refuses the write itself.
        let Some(free) = free_bytes(&self.database) else {
            return;
        };
        self.free_bytes.store(free, Ordering::Relaxed);
        // Twice, so that what is written next does not use it up at once.
        let is_wanted = self.reserve_used.load(Ordering::Relaxed);
        if is_wanted && free >= 2 * RESERVE_BYTES && make_reserve(&self.reserve).is_ok() {
            self.reserve_used.store(false, Ordering::Relaxed);
            info!("the disk has room again: the reserve is restored");
        }
    }

    /// Gives the reserve up, so that what deletes has room. False where there is none.
    pub(super) fn use_reserve(&self) -> bool {
        if fs::remove_file(&self.reserve).is_err() {
            return false;
        }
        self.reserve_used.store(true, Ordering::Relaxed);
        warn!("the disk is full: the reserve is used to end and delete chats");
        true
    }

    /// # Errors
    /// [`StoreError::NoRoom`] below the floor, and while the reserve is used.
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

    /// What is written to a file that was deleted or replaced is lost when the process ends.
    ///
    /// # Errors
    /// Where the database file is not the one that was opened.
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

/// What is free on the disk of a database file, where the system says so.
pub(super) fn free_bytes(database: &Path) -> Option<u64> {
    let disk = statvfs(folder(database)).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn folder(database: &Path) -> &Path {
    match database.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Makes the file unless it is there already; a part of it is of no use.
fn make_reserve(path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|file| file.len() >= RESERVE_BYTES) {
        return Ok(());
    }
    let mut file = create(path)?;
    let made = match fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES) {
        Err(rustix::io::Errno::OPNOTSUPP) => fill(&mut file),
        made => made.map_err(io::Error::from),
    };
    if made.is_err() {
        fs::remove_file(path)?;
    }
    made
}

/// Where a file system cannot allocate without writing.
fn fill(file: &mut File) -> io::Result<()> {
    let part = vec![0; 65_536];
    for _ in 0..RESERVE_BYTES / part.len() as u64 {
        file.write_all(&part)?;
    }
    file.sync_all()
}
