//! Chats: made, found, ended, swept away.

use std::time::Duration;

use actors::{
    domain::{
        Ask, BySeat, Chat, ChatKey, Device, Encryption, Marks, SealedHash, Seat, SeatState,
        Session, UserName,
    },
    ports::{Access, By, Ending, Lookup, NewChat, Registered, StoreError},
};
use tokio_postgres::{Error, Row};

use super::{
    Connections,
    asks::ask_number,
    pool::Params,
    rows::{self, LIVING, digest, living, moment, moment_if_any, name_if_any, number, seat, uuid},
    transaction::Transaction,
};

/// Whether a key is in use or was used before.
const USED: &str = "SELECT EXISTS (SELECT FROM chats WHERE key = $1)
                        OR EXISTS (SELECT FROM tombstones WHERE key = $1)";

const RESERVE: &str = "
    INSERT INTO reservations AS r (key, expires_at) VALUES ($1, now_ms() + $2)
    ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE r.expires_at <= now_ms()";

pub(super) async fn reserve(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    hold: Duration,
) -> Result<bool, Error> {
    let used: bool = tx.query_one(USED, &[&uuid(key)]).await?.get(0);
    let hold_ms = ms(hold);
    Ok(!used && tx.execute(RESERVE, &[&uuid(key), &hold_ms]).await? == 1)
}

pub(super) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

const MAKE: &str = "
    INSERT INTO chats (key, expires_at, registration, sealed_hash, encryption, auth, both_named)
    VALUES ($1, now_ms() + $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING expires_at";

pub(super) async fn register(tx: &mut Transaction<'_>, new: &NewChat) -> Result<Registered, Error> {
    if let Some(before) = registered_before(tx, new).await? {
        return Ok(before);
    }
    if new.must_be_reserved {
        let reserved = "SELECT FROM reservations WHERE key = $1 AND expires_at + 0 > now_ms()";
        if tx.query_opt(reserved, &[&uuid(new.key)]).await?.is_none() {
            let used: bool = tx.query_one(USED, &[&uuid(new.key)]).await?.get(0);
            return Ok(if used {
                Registered::Taken
            } else {
                Registered::NotReserved
            });
        }
    }
    let registration = new
        .registration
        .as_ref()
        .map(|(digest, _)| &digest.as_bytes()[..]);
    let sealed = new
        .registration
        .as_ref()
        .map(|(_, sealed)| sealed.as_bytes());
    let encryption = new.encryption.map(|_| Encryption::VERSION);
    let auth = new
        .encryption
        .as_ref()
        .map(|encryption| &encryption.auth.as_bytes()[..]);
    let lifetime_ms = ms(new.lifetime.duration());
    let made = tx
        .query_opt(
            MAKE,
            &[
                &uuid(new.key),
                &lifetime_ms,
                &registration,
                &sealed,
                &encryption,
                &auth,
                &new.name_two.is_some(),
            ],
        )
        .await?;
    let Some(made) = made else {
        // Somebody was quicker: with this registration, or with this key.
        return Ok(registered_before(tx, new)
            .await?
            .unwrap_or(Registered::Taken));
    };
    // Looked at only now: while a chat of this key was being ended, the insert had to wait.
    let buried = "SELECT FROM tombstones WHERE key = $1";
    if tx.query_opt(buried, &[&uuid(new.key)]).await?.is_some() {
        tx.execute("DELETE FROM chats WHERE key = $1", &[&uuid(new.key)])
            .await?;
        return Ok(Registered::Taken);
    }
    let name_two = new.name_two.as_ref().map(UserName::as_str);
    tx.execute(
        "INSERT INTO seats (key, seat, name) VALUES ($1, 1, $2), ($1, 2, $3)",
        &[&uuid(new.key), &new.name_one.as_str(), &name_two],
    )
    .await?;
    tx.execute("DELETE FROM reservations WHERE key = $1", &[&uuid(new.key)])
        .await?;
    Ok(Registered::Made {
        expires_at: moment(&made, "expires_at")?,
    })
}

async fn registered_before(
    tx: &mut Transaction<'_>,
    new: &NewChat,
) -> Result<Option<Registered>, Error> {
    let Some((registration, _)) = &new.registration else {
        return Ok(None);
    };
    let find =
        "SELECT key, sealed_hash, expires_at, auth, both_named, expires_at <= now_ms() AS over
                FROM chats WHERE registration = $1";
    let Some(row) = tx.query_opt(find, &[&&registration.as_bytes()[..]]).await? else {
        return Ok(None);
    };
    let key = rows::key(&row, "key")?;
    if row.try_get("over")? {
        // Its time is over: the id is free for a new chat.
        tx.execute(END, &[&uuid(key)]).await?;
        return Ok(None);
    }
    let [one, two] = seats(&tx.query(SEATS, &[&uuid(key)]).await?)?.0;
    let both_named = row.try_get("both_named")?;
    let same_names = new.same_names(one.name.as_ref(), two.name.as_ref(), both_named);
    Ok(Some(Registered::Before {
        key,
        sealed: SealedHash::from_bytes(row.try_get("sealed_hash")?),
        expires_at: moment(&row, "expires_at")?,
        same_names,
        encryption: rows::encryption(&row)?,
    }))
}

/// Read first: what changes while the rest is read is read again.
const REVISION: &str = "SELECT revision FROM chats WHERE key = $1";
const SEATS: &str = "
    SELECT seat, name, taken, joined_at, delivered, read, last_seen, replaced_at
    FROM seats WHERE key = $1";
const SESSIONS: &str = "
    SELECT id, seat, digest, device, since, last_seen FROM sessions WHERE key = $1";
const ASKS: &str = "
    SELECT word, seat, number, expires_at, expires_at - now_ms() AS left_ms FROM asks
    WHERE key = $1 AND allowed IS NULL AND expires_at + 0 > now_ms()
    ORDER BY expires_at + 0";

/// Reads a chat. A chat that ends meanwhile may be found without its seats: then it has ended.
pub(super) async fn load(
    connections: &Connections,
    key: ChatKey,
) -> Result<Lookup<Chat>, StoreError> {
    let id = uuid(key);
    let params: Params<'_> = &[&id];
    let asked = [REVISION, SEATS, SESSIONS, ASKS, LIVING].map(|sql| (sql, params));
    let [revision_rows, seat_rows, session_rows, ask_rows, found] =
        connections.queries(asked).await?;
    let read = || -> Result<Lookup<Chat>, Error> {
        // With the row that says that the chat lives: a chat is never taken for a plain one because it
        // was registered while this was read.
        let encryption = rows::encryption(&found[0])?;
        let found = living(&found[0])?;
        let seats = seats(&seat_rows)?;
        let sessions = session_rows
            .iter()
            .filter_map(|row| session(row).transpose());
        let sessions = sessions.collect::<Result<_, _>>()?;
        let asks = ask_rows.iter().map(ask).collect::<Result<_, _>>()?;
        let revision = revision_rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        Ok(found.map(|found| Chat {
            key,
            expires_at: found.expires_at,
            last_seq: found.last_seq,
            revision: i64::unsigned_abs(revision),
            encryption,
            seats,
            sessions,
            asks,
        }))
    };
    read().map_err(|error| StoreError::Refused(error.to_string()))
}

fn seats(rows: &[Row]) -> Result<BySeat<SeatState>, Error> {
    let mut seats = BySeat::default();
    for row in rows {
        seats[seat(row)?] = SeatState {
            name: name_if_any(row, "name")?,
            taken: row.try_get("taken")?,
            joined_at: moment_if_any(row, "joined_at")?,
            marks: Marks {
                delivered: rows::seq(row.try_get("delivered")?),
                read: rows::seq(row.try_get("read")?),
            },
            last_seen: moment_if_any(row, "last_seen")?,
            replaced_at: moment_if_any(row, "replaced_at")?,
        };
    }
    Ok(seats)
}

fn session(row: &Row) -> Result<Option<Session>, Error> {
    let Some(digest) = digest(row.try_get("digest")?) else {
        return Ok(None);
    };
    let device: Option<&str> = row.try_get("device")?;
    Ok(Some(Session {
        id: row.try_get("id")?,
        seat: seat(row)?,
        digest,
        device: Device::from_label(device.unwrap_or_default()),
        since: moment(row, "since")?,
        last_seen: moment_if_any(row, "last_seen")?,
    }))
}

fn ask(row: &Row) -> Result<Ask, Error> {
    Ok(Ask {
        word: row.try_get("word")?,
        seat: seat(row)?,
        number: ask_number(row)?,
        expires_at: moment(row, "expires_at")?,
        left: Duration::from_millis(rows::seq(row.try_get("left_ms")?)),
    })
}

/// Buries a chat in one statement: everything but its messages goes at once, and those cannot be
/// found any more. Deleting the chat's row waits for whoever holds it; the rest follows from that.
pub(super) const END: &str = "
    WITH gone AS (DELETE FROM chats WHERE key = $1 RETURNING key),
         seats AS (DELETE FROM seats s USING gone g WHERE s.key = g.key),
         sessions AS (DELETE FROM sessions s USING gone g WHERE s.key = g.key),
         asks AS (DELETE FROM asks a USING gone g WHERE a.key = g.key),
         replaced AS (DELETE FROM replaced_secrets r USING gone g WHERE r.key = g.key)
    INSERT INTO tombstones (key, ended_at) SELECT key, now_ms() FROM gone ON CONFLICT DO NOTHING";

pub(super) async fn end(tx: &mut Transaction<'_>, by: By) -> Result<Ending, Error> {
    let key = by.key();
    // Locked first: a session that is being made belongs to what END must see.
    let found = match by {
        By::Session(caller) => rows::lock_for(tx, &caller).await?,
        By::Server(key) => rows::lock(tx, key).await?.if_session(true),
    };
    if matches!(found, Access::NoSession) {
        return Ok(Ending::NoSession);
    }
    // A chat whose time is over is still here until the sweep has come.
    if tx.execute(END, &[&uuid(key)]).await? == 1 {
        return Ok(Ending::Ended);
    }
    let buried = "SELECT FROM tombstones WHERE key = $1";
    Ok(match tx.query_opt(buried, &[&uuid(key)]).await? {
        Some(_) => Ending::Before,
        None => Ending::Missing,
    })
}

const EXPIRED: &str = "
    SELECT key FROM (
        SELECT key FROM chats WHERE expires_at <= now_ms() ORDER BY expires_at LIMIT $1
    ) c ORDER BY key";

/// Ends them in the order of their keys, as everybody locks who locks several.
pub(super) async fn expire(tx: &mut Transaction<'_>, limit: usize) -> Result<Vec<ChatKey>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut ended = Vec::new();
    for row in tx.query(EXPIRED, &[&limit]).await? {
        let key = rows::key(&row, "key")?;
        if end(tx, By::Server(key)).await? == Ending::Ended {
            ended.push(key);
        }
    }
    Ok(ended)
}

const NEXT_TO_PURGE: &str =
    "SELECT key FROM tombstones WHERE NOT purged LIMIT 1 FOR UPDATE SKIP LOCKED";
const PURGE: &str = "
    DELETE FROM messages WHERE key = $1 AND seq <=
        (SELECT max(seq) FROM (SELECT seq FROM messages WHERE key = $1 ORDER BY seq LIMIT $2) slice)";
const LAPSED: [&str; 3] = [
    "DELETE FROM reservations WHERE key IN
        (SELECT key FROM reservations WHERE expires_at <= now_ms() - 0 * $1::bigint LIMIT $2)",
    // An answered or lapsed wish is kept a while, so that its asker learns how it went.
    "DELETE FROM asks WHERE (key, digest) IN
        (SELECT key, digest FROM asks WHERE expires_at <= now_ms() - 600000 - 0 * $1::bigint LIMIT $2)",
    "DELETE FROM tombstones WHERE key IN
        (SELECT key FROM tombstones WHERE ended_at <= now_ms() - $1::bigint AND purged LIMIT $2)",
];

pub(super) async fn purge(
    tx: &mut Transaction<'_>,
    limit: usize,
    tombstone_life: Duration,
) -> Result<usize, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut room = limit;
    while room > 0 {
        let Some(row) = tx.query_opt(NEXT_TO_PURGE, &[]).await? else {
            break;
        };
        let key: uuid::Uuid = row.try_get("key")?;
        let deleted = count(tx.execute(PURGE, &[&key, &room]).await?);
        if deleted < room {
            tx.execute(
                "UPDATE tombstones SET purged = true WHERE key = $1",
                &[&key],
            )
            .await?;
            // An instance of a version before these were kept has left them behind.
            tx.execute("DELETE FROM replaced_secrets WHERE key = $1", &[&key])
                .await?;
        }
        room -= deleted;
    }
    let life_ms = ms(tombstone_life);
    for delete in LAPSED {
        room -= count(tx.execute(delete, &[&life_ms, &room]).await?);
    }
    Ok(usize::try_from(limit - room).unwrap_or(0))
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

pub(super) async fn name_seat_two(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    name: &UserName,
) -> Result<Lookup<bool>, Error> {
    let found = rows::lock(tx, key).await?;
    let name_it = "UPDATE seats SET name = $3 WHERE key = $1 AND seat = $2 AND name IS NULL";
    let named = matches!(found, Lookup::Live(_))
        && tx
            .execute(name_it, &[&uuid(key), &number(Seat::Two), &name.as_str()])
            .await?
            == 1;
    Ok(found.map(|_| named))
}
