//! Backs a database up while it is served, and restores it.

use std::{
    error::Error,
    fs::{self, File},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf, absolute},
};

use rusqlite::{
    Connection, OpenFlags,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    file::{FileLock, create, folder, give_to_owner_of_folder, open, sibling},
    locate::{Content, content, locate, real},
};
use crate::{files, store::OpenError};

/// Copies the database at `from` into the new file `to` and checks the copy; returns how many chats are in
/// it. Writers do not wait. Deleted content is not copied.
///
/// # Errors
/// [`OpenError`] names the file that is the problem.
pub fn backup(from: &Path, to: &Path) -> Result<u64, OpenError> {
    let (from, to) = (locate(from)?, new_file(to)?);
    let source = open_chats(&from).map_err(|error| OpenError::file(&from, &*error))?;
    copy(&source, &from, &to)
}

/// Restores a backup to `to`, which must not exist; returns how many chats are in it.
///
/// # Errors
/// [`OpenError`] names the file that is the problem.
pub fn restore(backup: &Path, to: &Path) -> Result<u64, OpenError> {
    // The absolute path: a relative one depends on the working directory.
    let backup = absolute(backup).unwrap_or_else(|_| backup.to_owned());
    let source = open_chats(&backup).map_err(|error| {
        OpenError::wrong(format!(
            "{} cannot be restored: {error}. Name a file that `duet backup` has made.",
            backup.display()
        ))
    })?;
    let to = new_file(&real(to).map_err(|error| OpenError::file(to, &error))?)?;
    let _alone = FileLock::take(&to)?;
    for ending in ["-wal", "-shm"] {
        let left = sibling(&to, ending);
        if left.exists() {
            // SQLite would apply a leftover log to the restored file.
            return Err(OpenError::wrong(format!(
                "{} belongs to the database that was here. Move it away too.",
                left.display()
            )));
        }
    }
    let chats = copy(&source, &backup, &to)?;
    let file = File::open(&to).and_then(|file| give_to_owner_of_folder(&file, &to));
    file.map_err(|error| OpenError::file(&to, &error))?;
    Ok(chats)
}

/// The absolute path of a file that is to be made.
fn new_file(path: &Path) -> Result<PathBuf, OpenError> {
    if path.exists() {
        return Err(OpenError::wrong(format!(
            "{} is there already and is not overwritten. Choose another name, or move it away.",
            path.display()
        )));
    }
    absolute(path).map_err(|error| OpenError::file(path, &error))
}

/// Copies all of `source` into a new file, which gets its name once it is complete.
fn copy(source: &Connection, from: &Path, to: &Path) -> Result<u64, OpenError> {
    let partial = sibling(to, ".partial");
    let done = copy_by_way_of(&partial, source, to);
    if done.is_err() {
        // Best effort: a partial file that stays does no harm.
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

fn copy_by_way_of(partial: &Path, source: &Connection, to: &Path) -> Result<u64, Box<dyn Error>> {
    let file = create(partial)?;
    // SQLite keeps an empty file and its permissions.
    file.set_len(0)?;
    // A name need not be UTF-8.
    let name = ToSqlOutput::Borrowed(ValueRef::Text(partial.as_os_str().as_bytes()));
    source.execute("VACUUM INTO ?1", [name])?;
    file.sync_all()?;
    let copy = Connection::open_with_flags(partial, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sound: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(format!("the copy is damaged ({sound})").into());
    }
    let chats = copy.query_row("SELECT count(*) FROM chats", [], |row| row.get(0))?;
    fs::rename(partial, to)?;
    File::open(folder(to))?.sync_all()?;
    Ok(chats)
}

fn open_chats(path: &Path) -> Result<Connection, Box<dyn Error>> {
    // SQLite's error would not say so, and a device such as /dev/zero passes for an empty database.
    files::check(path)?;
    let connection = open(path)?;
    match content(&connection)? {
        Content::Chats => Ok(connection),
        Content::Nothing => Err("it is empty".into()),
        Content::Others => Err("it is another program's database".into()),
    }
}
