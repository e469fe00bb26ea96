//! How much room is left on the disk. Below a floor nothing is taken that makes the file grow; ends
//! and deletions need room as well, and have what is left.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use actors::ports::StoreError;

/// The floor under the free space of the file's disk.
pub(super) struct DiskFloor {
    folder: PathBuf,
    floor_bytes: u64,
    free_bytes: AtomicU64,
}

impl DiskFloor {
    /// Looks for the first time.
    pub(super) fn new(database: &Path, floor_bytes: u64) -> Self {
        let folder = match database.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let floor = Self {
            folder: folder.into(),
            floor_bytes,
            free_bytes: AtomicU64::new(u64::MAX),
        };
        floor.look();
        floor
    }

    /// Looks how much is free now; called by the thread that writes, after it has.
    pub(super) fn look(&self) {
        // Where the system does not say, what was known stays: a full disk refuses the write itself.
        if let Ok(disk) = rustix::fs::statvfs(&self.folder) {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            self.free_bytes.store(free, Ordering::Relaxed);
        }
    }

    /// # Errors
    /// [`StoreError::NoRoom`] below the floor.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let free = self.free_bytes.load(Ordering::Relaxed);
        if free < self.floor_bytes {
            let folder = self.folder.display();
            return Err(StoreError::NoRoom(format!(
                "{free} bytes are free in {folder}, less than limits.free_disk_mib_min"
            )));
        }
        Ok(())
    }
}
