//! The database file: who may read it, who serves it, and how it is opened.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use crate::store::OpenError;

/// Names and messages are readable in these files, so only their owner may look into them.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;
/// Pages in the write-ahead log before it is taken into the file, 16 MiB: writers wait meanwhile.
/// A chat's end does the same, so that nothing of it stays in the log.
const LOG_PAGES: u32 = 4_000;
/// How long a connection waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long emptying the log waits for those who still read from it. Sends wait meanwhile.
const EMPTY_TIMEOUT: Duration = Duration::from_millis(100);

/// Holds the file for one serving process, until it is dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

impl FileLock {
    /// Takes the lock beside the database file.
    ///
    /// # Errors
    /// [`OpenError`] says who is in the way.
    pub fn take(path: &Path) -> Result<Self, OpenError> {
        make_folder(path)?;
        let lock = beside(path, ".lock");
        let file = create(&lock).map_err(|error| OpenError::file(&lock, &error))?;
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

/// Makes the folder and the file where they are missing, for their owner alone whatever the umask
/// is, and warns of those that others can read. SQLite gives its log the permissions of the file.
pub(super) fn prepare(path: &Path) -> Result<(), OpenError> {
    make_folder(path)?;
    // Opening a pipe would wait for somebody to read from it.
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let is_folder = "it is a folder; a file like duet.db in it is needed";
            return Err(OpenError::file(path, &is_folder));
        }
        Ok(found) if !found.is_file() => {
            let is_other = "it is a pipe or a device, where a file is needed";
            return Err(OpenError::file(path, &is_other));
        }
        _ => {}
    }
    create(path).map_err(|error| OpenError::file(path, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let files = ["", "-wal", "-shm"].map(|ending| beside(path, ending));
    for path in files.iter().map(PathBuf::as_path).chain([folder]) {
        warn_of_others(path);
    }
    Ok(())
}

/// Opens the file as every connection has it: a commit is on the disk before it is answered, and
/// what is deleted is overwritten.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Without URIs, so that the path is taken as it is written.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Takes the write-ahead log into the file and empties it. False while another process reads from
/// the log: then the log keeps what it holds, deleted texts included.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(EMPTY_TIMEOUT)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    busy.map(|busy: i64| busy == 0)
}

/// Whether the log beside a database file holds anything.
pub(super) fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// A file beside the database file, named by an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens a file for writing, and makes it for its owner alone where it is missing.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    match options.create_new(true).open(path) {
        // A umask may take rights from the owner as well.
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

fn make_folder(path: &Path) -> Result<(), OpenError> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            make_folders(folder).map_err(|error| OpenError::file(folder, &error))
        }
        _ => Ok(()),
    }
}

/// Makes a folder, and those above it that are missing, as [`create`] makes a file.
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

/// Whether anybody but the owner has a right to a file or folder.
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
