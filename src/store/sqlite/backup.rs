//! A copy of the database while it is served, and back again.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::file::{FileLock, beside, create};
use crate::store::OpenError;

/// Copies the living database at `from` into the new file `to`, complete and checked, and answers
/// how many chats are in it. Nobody who writes waits for it. What was deleted is not copied.
///
/// # Errors
/// [`OpenError`] says which file is in the way.
pub fn backup(from: &Path, to: &Path) -> Result<u64, OpenError> {
    let source = open_existing(from)?;
    copy(&source, from, to)
}

/// Puts a backup in the place of the database at `to`, which must not be there, and answers how
/// many chats are in it.
///
/// # Errors
/// [`OpenError`] says which file is in the way.
pub fn restore(backup: &Path, to: &Path) -> Result<u64, OpenError> {
    let _alone = FileLock::take(to)?;
    let source = open_existing(backup)?;
    for ending in ["-wal", "-shm"] {
        let left = beside(to, ending);
        if left.exists() {
            // SQLite would take what is in it for part of the restored file.
            return Err(OpenError::file(&left, &"it belongs to another database"));
        }
    }
    copy(&source, backup, to)
}

/// The whole of `source` in a new file. It has its name only once it is complete.
fn copy(source: &Connection, from: &Path, to: &Path) -> Result<u64, OpenError> {
    if to.exists() {
        return Err(OpenError::wrong(format!(
            "{} is there already and is not overwritten. Choose another name, or move it away.",
            to.display()
        )));
    }
    let partial = beside(to, ".partial");
    let done = copy_to(source, &partial).and_then(|chats| {
        fs::rename(&partial, to).map_err(|error| error.to_string())?;
        sync_folder(to).map_err(|error| error.to_string())?;
        Ok(chats)
    });
    if done.is_err() {
        // What is left of it is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&partial);
    }
    done.map_err(|error| {
        OpenError::wrong(format!(
            "{} cannot be copied to {}: {error}.",
            from.display(),
            to.display()
        ))
    })
}

fn copy_to(source: &Connection, partial: &Path) -> Result<u64, String> {
    let told = |error: rusqlite::Error| error.to_string();
    let file = create(partial).map_err(|error| error.to_string())?;
    // SQLite fills a file that is empty, with the permissions it has.
    file.set_len(0).map_err(|error| error.to_string())?;
    source
        .execute("VACUUM INTO ?1", [partial.to_string_lossy()])
        .map_err(told)?;
    file.sync_all().map_err(|error| error.to_string())?;
    let copy = Connection::open_with_flags(partial, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let copy = copy.map_err(told)?;
    let sound: String = copy
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(told)?;
    match sound.as_str() {
        "ok" => copy
            .query_row("SELECT count(*) FROM chats", [], |row| row.get(0))
            .map_err(told),
        damage => Err(format!("the copy is damaged ({damage})")),
    }
}

fn open_existing(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.query_row("SELECT count(*) FROM chats", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(|error| OpenError::file(path, &error))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    File::open(folder)?.sync_all()
}
