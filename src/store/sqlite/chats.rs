//! Creating, loading and ending chats.

use std::time::Duration;

use actors::{
    domain::{
        Ask, AskNumber, BySeat, Chat, ChatKey, Device, Encryption, Position, SealedHash, Seat,
        SeatState, Session, Timestamp, UserName,
    },
    ports::{Access, BatchResult, Chats, Denied, NewChat, Principal, Registered, batch_result},
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    Result, SqliteStore,
    marks::position,
    rows::{Col, access, get, get_some, is_buried, live_chat},
    seats::name_seat,
};

#[async_trait]
impl Chats for SqliteStore {
    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool> {
        self.write_more("reserve", move |tx, now| {
            if is_used(tx, key)? || is_reserved(tx, key, now)? {
                return Ok(false);
            }
            tx.execute(
                "INSERT OR REPLACE INTO reservations VALUES (?1, ?2)",
                params![Col(key), Col(now.plus(hold))],
            )?;
            Ok(true)
        })
        .await
    }

    async fn register(&self, new: NewChat) -> Result<Registered> {
        self.write_more("register", move |tx, now| register(tx, &new, now))
            .await
    }

    async fn name_seat_two(&self, key: ChatKey, name: &UserName) -> Result<Access<bool>> {
        let name = name.clone();
        self.write("name_seat_two", move |tx, now| {
            if let Err(denied) = live_chat(tx, key, now)? {
                return Ok(Err(denied));
            }
            name_seat(tx, key, Seat::Two, &name).map(Ok)
        })
        .await
    }

    async fn status(&self, key: ChatKey) -> Result<Access<()>> {
        self.read("status", move |connection, now| {
            Ok(live_chat(connection, key, now)?.map(|_| ()))
        })
        .await
    }

    async fn load(&self, key: ChatKey) -> Result<Access<Chat>> {
        self.read("load", move |connection, now| load(connection, key, now))
            .await
    }

    async fn positions(&self, keys: &[ChatKey]) -> BatchResult<Option<Position>> {
        let (asked, keys) = (keys.len(), keys.to_vec());
        let found = self.read("positions", move |connection, now| {
            keys.iter()
                .map(|key| match live_chat(connection, *key, now)? {
                    Ok(chat) => position(connection, *key, &chat).map(Some),
                    Err(_) => Ok(None),
                })
                .collect()
        });
        batch_result(asked, found.await)
    }

    async fn end(&self, by: Principal) -> Result<Access<()>> {
        self.write_on_full_disk("end", move |tx, now, _| end(tx, by, now))
            .await
    }
}

fn is_used(connection: &Connection, key: ChatKey) -> rusqlite::Result<bool> {
    let in_use = connection
        .prepare_cached("SELECT 1 FROM chats WHERE key = ?1")?
        .exists([Col(key)])?;
    Ok(in_use || is_buried(connection, key)?)
}

fn is_reserved(connection: &Connection, key: ChatKey, now: Timestamp) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM reservations WHERE key = ?1 AND expires_at > ?2")?
        .exists(params![Col(key), Col(now)])
}

fn register(tx: &Transaction<'_>, new: &NewChat, now: Timestamp) -> rusqlite::Result<Registered> {
    if let Some(before) = registered_before(tx, new, now)? {
        return Ok(before);
    }
    if is_used(tx, new.key)? {
        return Ok(Registered::Taken);
    }
    if new.must_be_reserved && !is_reserved(tx, new.key, now)? {
        return Ok(Registered::NotReserved);
    }
    tx.execute("DELETE FROM reservations WHERE key = ?1", [Col(new.key)])?;
    let expires_at = now.plus(new.lifetime.duration());
    let registration = new.registration.as_ref();
    tx.execute(
        "INSERT INTO chats (key, expires_at, registration, sealed_hash, encryption, auth, both_named)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            Col(new.key),
            Col(expires_at),
            registration.map(|(digest, _)| Col(*digest)),
            registration.map(|(_, sealed)| sealed.as_bytes()),
            new.encryption.map(|_| Encryption::VERSION),
            new.encryption.map(|encryption| Col(encryption.auth)),
            new.name_two.is_some()
        ],
    )?;
    for (seat, name) in [
        (Seat::One, Some(&new.name_one)),
        (Seat::Two, new.name_two.as_ref()),
    ] {
        tx.execute(
            "INSERT INTO seats (key, seat, name) VALUES (?1, ?2, ?3)",
            params![Col(new.key), Col(seat), name.map(UserName::as_str)],
        )?;
    }
    Ok(Registered::Made { expires_at })
}

fn registered_before(
    tx: &Transaction<'_>,
    new: &NewChat,
    now: Timestamp,
) -> rusqlite::Result<Option<Registered>> {
    let Some((registration, _)) = &new.registration else {
        return Ok(None);
    };
    let found = tx
        .query_row(
            "SELECT key, sealed_hash, expires_at, auth, both_named FROM chats
             WHERE registration = ?1",
            [Col(*registration)],
            |row| {
                Ok((
                    get(row, "key")?,
                    row.get("sealed_hash")?,
                    get(row, "expires_at")?,
                    encryption(row)?,
                    row.get("both_named")?,
                ))
            },
        )
        .optional()?;
    let Some((key, sealed, expires_at, encryption, both_named)) = found else {
        return Ok(None);
    };
    if expires_at <= now {
        // The chat has expired, so its id is free for a new one.
        let _ = end(tx, Principal::Server(key), now)?;
        return Ok(None);
    }
    let [one, two] = seats(tx, key)?.0;
    let same_names = new.same_names(one.name.as_ref(), two.name.as_ref(), both_named);
    let sealed = SealedHash::from_bytes(sealed);
    Ok(Some(Registered::Duplicate {
        key,
        sealed,
        expires_at,
        same_names,
        encryption,
    }))
}

fn load(connection: &Connection, key: ChatKey, now: Timestamp) -> rusqlite::Result<Access<Chat>> {
    let found = match live_chat(connection, key, now)? {
        Ok(found) => found,
        Err(denied) => return Ok(Err(denied)),
    };
    let sessions = connection
        .prepare_cached(
            "SELECT id, seat, digest, device, since, last_seen FROM sessions WHERE key = ?1",
        )?
        .query_map([Col(key)], session)?
        .collect::<rusqlite::Result<_>>()?;
    let asks = connection
        .prepare_cached(
            "SELECT word, seat, number, expires_at FROM asks
             WHERE key = ?1 AND allowed IS NULL AND expires_at > ?2 ORDER BY expires_at",
        )?
        .query_map(params![Col(key), Col(now)], |row| {
            let expires_at: Timestamp = get(row, "expires_at")?;
            Ok(Ask {
                ask_ref: get(row, "word")?,
                seat: get(row, "seat")?,
                number: AskNumber::from_store(row.get("number")?),
                expires_at,
                left: expires_at.since(now),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let encryption = connection
        .prepare_cached("SELECT auth FROM chats WHERE key = ?1")?
        .query_row([Col(key)], encryption)?;
    let seats = seats(connection, key)?;
    Ok(Ok(Chat {
        key,
        expires_at: found.expires_at,
        position: position(connection, key, &found)?,
        encryption,
        seats,
        sessions,
        asks,
    }))
}

/// A chat is encrypted if it stores the digest of a proof; the table constrains both to go together.
fn encryption(row: &Row<'_>) -> rusqlite::Result<Option<Encryption>> {
    let auth = get_some(row, "auth")?;
    Ok(auth.map(|auth| Encryption { auth }))
}

fn seats(connection: &Connection, key: ChatKey) -> rusqlite::Result<BySeat<SeatState>> {
    let mut seats = BySeat::default();
    let mut statement = connection.prepare_cached(
        "SELECT seat, name, taken, joined_at, last_seen, replaced_at FROM seats WHERE key = ?1",
    )?;
    let mut rows = statement.query([Col(key)])?;
    while let Some(row) = rows.next()? {
        seats[get(row, "seat")?] = SeatState {
            name: get_some(row, "name")?,
            taken: row.get("taken")?,
            joined_at: get_some(row, "joined_at")?,
            last_seen: get_some(row, "last_seen")?,
            replaced_at: get_some(row, "replaced_at")?,
        };
    }
    Ok(seats)
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let device: Option<String> = row.get("device")?;
    Ok(Session {
        id: get(row, "id")?,
        seat: get(row, "seat")?,
        digest: get(row, "digest")?,
        device: Device::from_label(&device.unwrap_or_default()),
        since: get(row, "since")?,
        last_seen: get_some(row, "last_seen")?,
    })
}

/// Ends a chat: deletes everything but its messages, which can no longer be found.
pub(super) fn end(
    tx: &Transaction<'_>,
    by: Principal,
    now: Timestamp,
) -> rusqlite::Result<Access<()>> {
    let key = by.key();
    let found = access(tx, by, now)?.map(|_| ());
    // One that has expired counts as ended and is still here, until this ends it.
    if found == Err(Denied::NoSession)
        || tx.execute("DELETE FROM chats WHERE key = ?1", [Col(key)])? == 0
    {
        return Ok(found);
    }
    for table in ["seats", "sessions", "asks", "replaced_secrets"] {
        tx.execute(&format!("DELETE FROM {table} WHERE key = ?1"), [Col(key)])?;
    }
    tx.execute(
        "INSERT OR REPLACE INTO tombstones (key, ended_at) VALUES (?1, ?2)",
        params![Col(key), Col(now)],
    )?;
    Ok(Ok(()))
}
