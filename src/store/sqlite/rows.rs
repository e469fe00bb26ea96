//! Conversions between domain types and SQLite columns.

use actors::{
    domain::{Caller, ChatKey, Message, MessageText, Seat, SecretDigest, Seq, Timestamp, UserName},
    ports::{Access, Denied, Principal},
};
use rusqlite::{
    Connection, OptionalExtension, Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use uuid::Uuid;

/// Wraps a domain type as a column value.
pub(super) struct Col<T>(pub(super) T);

macro_rules! column {
    ($type:ty, $value:ident => $write:expr, $read:expr) => {
        impl ToSql for Col<$type> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let $value = &self.0;
                Ok(ToSqlOutput::from($write))
            }
        }

        impl FromSql for Col<$type> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let read: fn(ValueRef<'_>) -> FromSqlResult<$type> = $read;
                read(value).map(Col)
            }
        }
    };
}

column!(ChatKey, key => &key.as_bytes()[..], |value| bytes(value).map(ChatKey::from_bytes));
column!(SecretDigest, digest => &digest.as_bytes()[..], |value| {
    bytes(value).map(SecretDigest::from_bytes)
});
column!(Uuid, id => &id.as_bytes()[..], |value| bytes(value).map(Uuid::from_bytes));
column!(Timestamp, at => at.unix_ms(), |value| value.as_i64().map(Timestamp::from_unix_ms));
column!(Seat, seat => i64::from(seat.number()), |value| {
    Seat::try_from(value.as_i64()?).map_err(|error| FromSqlError::Other(Box::new(error)))
});
column!(UserName, name => name.as_str(), |value| value.as_str().map(UserName::from_store));

fn bytes<const N: usize>(value: ValueRef<'_>) -> FromSqlResult<[u8; N]> {
    let blob = value.as_blob()?;
    blob.try_into().map_err(|_| FromSqlError::InvalidBlobSize {
        expected_size: N,
        blob_size: blob.len(),
    })
}

/// Reads a column as a domain type.
pub(super) fn get<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    Col<T>: FromSql,
{
    row.get::<_, Col<T>>(column).map(|Col(value)| value)
}

/// Reads a nullable column.
pub(super) fn get_some<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    Col<T>: FromSql,
{
    let value = row.get::<_, Option<Col<T>>>(column)?;
    Ok(value.map(|Col(value)| value))
}

pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        seq: row.get("seq")?,
        id: get(row, "id")?,
        seat: get(row, "seat")?,
        text: MessageText::from_store(row.get("text")?),
        at: get(row, "at")?,
    })
}

/// A chat's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LiveChat {
    pub(super) last_seq: Seq,
    /// The bytes of all its texts.
    pub(super) bytes: u64,
    pub(super) revision: u64,
    pub(super) expires_at: Timestamp,
}

/// Whether a chat lives, and its counters; every call about a chat begins with this.
pub(super) fn live_chat(
    connection: &Connection,
    key: ChatKey,
    now: Timestamp,
) -> rusqlite::Result<Access<LiveChat>> {
    let found = connection
        .prepare_cached("SELECT last_seq, bytes, revision, expires_at FROM chats WHERE key = ?1")?
        .query_row([Col(key)], |row| {
            Ok(LiveChat {
                last_seq: row.get("last_seq")?,
                bytes: row.get("bytes")?,
                revision: row.get("revision")?,
                expires_at: get(row, "expires_at")?,
            })
        })
        .optional()?;
    Ok(match found {
        Some(found) if found.expires_at <= now => Err(Denied::Ended),
        Some(found) => Ok(found),
        None if is_buried(connection, key)? => Err(Denied::Ended),
        None => Err(Denied::Missing),
    })
}

/// Like [`live_chat`], for a caller: also checks whether their session lives.
pub(super) fn access(
    connection: &Connection,
    by: Principal,
    now: Timestamp,
) -> rusqlite::Result<Access<LiveChat>> {
    let found = live_chat(connection, by.key(), now)?;
    Ok(match by {
        Principal::Session(caller) if !is_alive(connection, &caller)? => {
            found.and(Err(Denied::NoSession))
        }
        Principal::Session(_) | Principal::Server(_) => found,
    })
}

pub(super) fn is_alive(connection: &Connection, caller: &Caller) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sessions WHERE key = ?1 AND digest = ?2 AND seat = ?3")?
        .exists((Col(caller.key), Col(caller.session), Col(caller.seat)))
}

pub(super) fn is_buried(connection: &Connection, key: ChatKey) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM tombstones WHERE key = ?1")?
        .exists([Col(key)])
}
