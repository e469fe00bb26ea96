//! The store as it lies on the disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

/// The tables that hold something of a chat.
pub const TABLES: [&str; 7] = [
    "chats",
    "seats",
    "sessions",
    "asks",
    "replaced_secrets",
    "messages",
    "reservations",
];

/// Opens the file to look into it, beside a server or after it.
pub fn look_into(database: &Path) -> Connection {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY);
    connection.unwrap()
}

/// How many rows there are, by table.
pub fn rows(database: &Path) -> BTreeMap<&'static str, i64> {
    let connection = look_into(database);
    let count = |table: &'static str| {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        (table, rows)
    };
    TABLES.into_iter().map(count).collect()
}

/// Moves the end of every chat to this moment, in milliseconds since 1970.
pub fn set_expiry(database: &Path, at_ms: i64) {
    let connection = Connection::open(database).unwrap();
    let changed = connection
        .execute("UPDATE chats SET expires_at = ?1", [at_ms])
        .unwrap();
    assert!(changed > 0);
}

/// Keeps every other connection from writing until it is dropped.
pub fn hold_writers(database: &Path) -> Connection {
    let connection = Connection::open(database).unwrap();
    connection.busy_timeout(super::DEADLINE).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// Has the log of writes brought into the database file, and emptied. A server that does the same at
/// that moment is waited for: SQLite calls it busy at once.
pub async fn checkpoint(database: &Path) {
    let connection = Connection::open(database).unwrap();
    connection.busy_timeout(super::DEADLINE).unwrap();
    super::eventually("the log of writes is emptied", async || {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: i64 = connection
            .query_row(checkpoint, [], |row| row.get(0))
            .unwrap();
        (busy == 0).then_some(())
    })
    .await;
}

/// Every file of the data folder: the database, its log of writes and what else is there.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), fs::read(&path).unwrap_or_default())),
        }
    }
    found
}

/// Whether a file holds these bytes anywhere.
pub fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}
