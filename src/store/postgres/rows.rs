//! Conversions between domain types and PostgreSQL columns.

use std::time::Duration;

use actors::{
    domain::{
        Caller, ChatKey, Encryption, Message, MessageText, Seat, SecretDigest, Seq, Timestamp,
        UserName,
    },
    ports::{Access, Denied, StoreError},
};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::transaction::Transaction;

/// The error for rows that lack a column.
pub(super) fn unreadable(error: Error) -> StoreError {
    StoreError::Refused(error.to_string())
}

/// Reads every row.
pub(super) fn read_all<T>(
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, StoreError> {
    let read: Result<_, _> = rows.iter().map(read).collect();
    read.map_err(unreadable)
}

pub(super) fn uuid(key: ChatKey) -> Uuid {
    Uuid::from_bytes(*key.as_bytes())
}

pub(super) fn key(row: &Row, column: &str) -> Result<ChatKey, Error> {
    let key: Uuid = row.try_get(column)?;
    Ok(ChatKey::from_bytes(*key.as_bytes()))
}

pub(super) fn number(seat: Seat) -> i16 {
    seat.number().into()
}

/// The table constrains the column to 1 and 2.
pub(super) fn seat(row: &Row) -> Result<Seat, Error> {
    let number: i16 = row.try_get("seat")?;
    Ok(if number == 1 { Seat::One } else { Seat::Two })
}

pub(super) fn seq(number: i64) -> Seq {
    number.unsigned_abs()
}

/// Saturates: no `seq` exceeds the largest BIGINT.
pub(super) fn bound(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn moment(row: &Row, column: &str) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_unix_ms(row.try_get(column)?))
}

pub(super) fn moment_if_any(row: &Row, column: &str) -> Result<Option<Timestamp>, Error> {
    let ms: Option<i64> = row.try_get(column)?;
    Ok(ms.map(Timestamp::from_unix_ms))
}

/// A column that is not 32 bytes long is no digest of ours and matches nothing.
pub(super) fn digest(bytes: &[u8]) -> Option<SecretDigest> {
    bytes.try_into().ok().map(SecretDigest::from_bytes)
}

pub(super) fn digest_if_any(row: &Row, column: &str) -> Result<Option<SecretDigest>, Error> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    Ok(bytes.and_then(digest))
}

/// A chat is encrypted if it stores the digest of a proof; the table constrains both to go together.
pub(super) fn encryption(row: &Row) -> Result<Option<Encryption>, Error> {
    let auth = digest_if_any(row, "auth")?;
    Ok(auth.map(|auth| Encryption { auth }))
}

pub(super) fn name_if_any(row: &Row, column: &str) -> Result<Option<UserName>, Error> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(UserName::from_store))
}

pub(super) fn message(row: &Row) -> Result<Message, Error> {
    Ok(Message {
        seq: seq(row.try_get("seq")?),
        id: row.try_get("id")?,
        seat: seat(row)?,
        text: MessageText::from_store(row.try_get("text")?),
        at: moment(row, "at")?,
    })
}

/// Whether a chat lives, its last `seq`, its expiry, the digest of its link's proof, and the server's clock.
/// Always one row.
pub(super) const LIVE_CHAT: &str = "
    SELECT c.last_seq, c.expires_at, c.auth, now_ms() AS now,
           EXISTS (SELECT FROM tombstones t WHERE t.key = k.key) AS buried
    FROM (SELECT $1::uuid AS key) k LEFT JOIN chats c ON c.key = k.key";

/// A live chat in [`LIVE_CHAT`].
#[derive(Debug, Clone, Copy)]
pub(super) struct LiveChat {
    pub(super) last_seq: Seq,
    pub(super) expires_at: Timestamp,
}

pub(super) fn live_chat(row: &Row) -> Result<Access<LiveChat>, Error> {
    let last_seq: Option<i64> = row.try_get("last_seq")?;
    let now = moment(row, "now")?;
    let Some(last_seq) = last_seq else {
        return Ok(match row.try_get("buried")? {
            true => Err(Denied::Ended),
            false => Err(Denied::Missing),
        });
    };
    let expires_at = moment(row, "expires_at")?;
    Ok(match expires_at <= now {
        true => Err(Denied::Ended),
        false => Ok(LiveChat {
            last_seq: seq(last_seq),
            expires_at,
        }),
    })
}

/// [`LIVE_CHAT`], and whether a session of this seat lives.
pub(super) const ACCESS: &str = "
    SELECT c.last_seq, c.expires_at, now_ms() AS now,
           EXISTS (SELECT FROM tombstones t WHERE t.key = k.key) AS buried,
           EXISTS (SELECT FROM sessions s
                   WHERE s.key = k.key AND s.digest = $2 AND s.seat = $3) AS session
    FROM (SELECT $1::uuid AS key) k LEFT JOIN chats c ON c.key = k.key";

/// Reads a row of [`ACCESS`].
pub(super) fn access(row: &Row) -> Result<Access<LiveChat>, Error> {
    let found = live_chat(row)?;
    Ok(match row.try_get("session")? {
        true => found,
        false => found.and(Err(Denied::NoSession)),
    })
}

/// Like [`lock`], for a caller: also returns whether their session lives.
pub(super) async fn lock_for(
    tx: &mut Transaction<'_>,
    caller: &Caller,
) -> Result<Access<LiveChat>, Error> {
    let key = uuid(caller.key);
    tx.execute(LOCK, &[&key]).await?;
    let (digest, seat) = (&caller.session.as_bytes()[..], number(caller.seat));
    access(&tx.query_one(ACCESS, &[&key, &digest, &seat]).await?)
}

const LOCK: &str = "SELECT FROM chats WHERE key = $1 FOR NO KEY UPDATE";

/// Locks a chat for this transaction, then reads it: a row read before the lock could be out of date.
pub(super) async fn lock(
    tx: &mut Transaction<'_>,
    key: ChatKey,
) -> Result<Access<LiveChat>, Error> {
    tx.execute(LOCK, &[&uuid(key)]).await?;
    live_chat(&tx.query_one(LIVE_CHAT, &[&uuid(key)]).await?)
}
