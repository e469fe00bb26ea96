//! The database file: its permissions, its lock, and how it is opened.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use super::locate::locate;
use crate::store::OpenError;

/// The files contain names and messages in clear text, so only their owner may read them.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;
const ROOT: u32 = 0;
/// Pages in the write-ahead log before a checkpoint (64 MiB), for which writers wait. A page that changed often meanwhile is
/// copied once; with four times as many pages the longest wait was half as long again. Ending a chat makes a checkpoint too, so
/// that none of its content stays in the log.
const LOG_PAGES: u32 = 16_000;
/// How long a connection waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long emptying the log waits for readers; sends wait meanwhile.
const EMPTY_TIMEOUT: Duration = Duration::from_millis(100);

/// Holds the file for one process, until it is dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

impl FileLock {
    /// Locks a file beside the database.
    ///
    /// # Errors
    /// [`OpenError`] names the process that holds it.
    pub fn take(path: &Path) -> Result<Self, OpenError> {
        let path = &locate(path)?;
        make_folder(path)?;
        let lock = sibling(path, ".lock");
        let file = create_for_service(&lock).map_err(|error| OpenError::file(&lock, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::wrong(format!(
                "Another duet serves {} already. Stop it first, or give this one a file of its \
                 own with store.url.",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(OpenError::file(&lock, &error)),
        }
    }
}

/// Creates the folder and the file as needed, for their owner alone whatever the umask is, and warns about
/// existing ones that others can read. SQLite gives its log the permissions of the file.
pub(super) fn prepare(path: &Path) -> Result<(), OpenError> {
    make_folder(path)?;
    create_for_service(path).map_err(|error| OpenError::file(path, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let files = ["", "-wal", "-shm"].map(|ending| sibling(path, ending));
    for path in files.iter().map(PathBuf::as_path).chain([folder]) {
        warn_of_others(path);
    }
    Ok(())
}

/// Opens a file that exists, without changing it. The path must be absolute: SQLite takes `file:x` for a URI.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Opens a connection: commits are on the disk before they are answered, and deleted content is overwritten.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Merges the write-ahead log into the file and empties it. False if another process reads from the log,
/// which then keeps its content, deleted texts included.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(EMPTY_TIMEOUT)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    busy.map(|busy: i64| busy == 0)
}

/// Whether the log of a database file has content.
pub(super) fn has_log(path: &Path) -> bool {
    fs::metadata(sibling(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// The path of a file beside the database, by its suffix.
pub(super) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens a file for writing; creates it for its owner alone if it is missing.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    match options.create_new(true).open(path) {
        // The umask may have removed rights of the owner too.
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            options.create_new(false).open(path)
        }
        Err(error) => Err(error),
    }
}

/// The same for a file of the store itself.
pub(super) fn create_for_service(path: &Path) -> io::Result<File> {
    let file = create(path)?;
    give_to_owner_of_folder(&file, path)?;
    Ok(file)
}

/// A file that root made in the folder of the user who serves belongs to that user, as SQLite has it for its log:
/// `duet restore` by root would leave a database that the service cannot open.
pub(super) fn give_to_owner_of_folder(file: &File, path: &Path) -> io::Result<()> {
    let owner = fs::metadata(folder(path))?;
    if file.metadata()?.uid() == ROOT && owner.uid() != ROOT {
        fchown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn make_folder(path: &Path) -> Result<(), OpenError> {
    let folder = folder(path);
    make_folders(folder).map_err(|error| OpenError::file(folder, &error))
}

/// Creates a folder and its missing parents, for their owner alone.
fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folders(above)?;
    }
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether anybody but the owner has rights on a file or folder.
pub(super) fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
}

fn warn_of_others(path: &Path) {
    let Ok(found) = fs::metadata(path) else {
        return;
    };
    let mode = found.permissions().mode() & 0o777;
    if others_may_read(path) {
        warn!(
            path = %path.display(),
            mode = format_args!("{mode:04o}"),
            "other users of this machine may look in here: chmod go= takes that from them"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_served_by_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("duet.db");
        let first = FileLock::take(&path).unwrap();
        assert!(FileLock::take(&path).is_err());
        drop(first);
        assert!(FileLock::take(&path).is_ok());
    }
}
