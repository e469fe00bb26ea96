//! Domain types as SQLite's columns, and back.

use actors::{
    domain::{ChatKey, Message, MessageText, Seat, SecretDigest, Seq, Timestamp, UserName},
    ports::Lookup,
};
use rusqlite::{
    Connection, OptionalExtension, Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use uuid::Uuid;

/// A domain type as a column.
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
column!(UserName, name => name.as_str(), |value| {
    UserName::parse(value.as_str()?).map_err(|error| FromSqlError::Other(Box::new(error)))
});

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

/// Reads a column that may be null.
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

/// What every question about a chat begins with: whether it lives, and its last place.
pub(super) fn living(
    connection: &Connection,
    key: ChatKey,
    now: Timestamp,
) -> rusqlite::Result<Lookup<(Seq, Timestamp)>> {
    let found = connection
        .prepare_cached("SELECT last_seq, expires_at FROM chats WHERE key = ?1")?
        .query_row([Col(key)], |row| Ok((row.get(0)?, get(row, "expires_at")?)))
        .optional()?;
    Ok(match found {
        Some((_, expires_at)) if expires_at <= now => Lookup::Ended,
        Some(found) => Lookup::Live(found),
        None if is_buried(connection, key)? => Lookup::Ended,
        None => Lookup::Missing,
    })
}

pub(super) fn is_buried(connection: &Connection, key: ChatKey) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM tombstones WHERE key = ?1")?
        .exists([Col(key)])
}
