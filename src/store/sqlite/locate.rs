//! Where the database is, and whether it is duet's. Nothing is changed before both are known.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf, absolute},
};

use rusqlite::{Connection, ErrorCode};

use super::file::{folder, open};
use crate::{files, store::OpenError};

/// What is in a database.
pub(super) enum Content {
    /// No tables.
    Nothing,
    /// duet's tables.
    Chats,
    /// Those of another program.
    Others,
}

/// The path of the database itself, which need not be there yet: a lock and a reserve beside a link to it would be
/// others, and perhaps on another disk.
///
/// # Errors
/// [`OpenError`] if it is another program's, or has several names.
pub(super) fn locate(path: &Path) -> Result<PathBuf, OpenError> {
    let path = real(path).map_err(|error| OpenError::file(path, &error))?;
    let refused = |error: io::Error| OpenError::file(&path, &error);
    let found = match fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path),
        found => found.map_err(refused)?,
    };
    files::check(&path).map_err(refused)?;
    if found.nlink() > 1 {
        return Err(refused(io::Error::other(
            "it has a second name (a hard link), and its log is beside one of them alone: remove the other",
        )));
    }
    match open(&path).and_then(|connection| content(&connection)) {
        Ok(Content::Others) => Err(OpenError::wrong(format!(
            "{} is another program's database. Name another file with store.url.",
            path.display()
        ))),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(OpenError::file(&path, &error))
        }
        // What else is wrong may be put right when it is opened for use.
        Ok(_) | Err(_) => Ok(path),
    }
}

/// Follows links, also to a file that is missing.
pub(super) fn real(path: &Path) -> io::Result<PathBuf> {
    let path = absolute(path)?;
    match fs::canonicalize(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(&path) {
            Ok(target) => real(&folder(&path).join(target)),
            Err(_) => Ok(path),
        },
        found => found,
    }
}

/// Looks at the tables.
pub(super) fn content(connection: &Connection) -> rusqlite::Result<Content> {
    const MIGRATIONS: &str = "refinery_schema_history";
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    // A migration that was interrupted may have left its list alone.
    let rest = format!("SELECT count(*) FROM sqlite_master WHERE tbl_name <> '{MIGRATIONS}'");
    if count(&rest)? == 0 {
        return Ok(Content::Nothing);
    }
    let list = format!("SELECT count(*) FROM sqlite_master WHERE name = '{MIGRATIONS}'");
    let first = format!("SELECT count(*) FROM {MIGRATIONS} WHERE version = 1 AND name = 'chats'");
    Ok(match count(&list)? > 0 && count(&first)? > 0 {
        true => Content::Chats,
        false => Content::Others,
    })
}
