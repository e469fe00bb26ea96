//! Creating, loading and ending chats.

use std::time::Duration;

use actors::{
    domain::{
        Ask, BySeat, Chat, ChatKey, Device, Encryption, Position, SealedHash, Seat, SeatState,
        Session, UserName,
    },
    ports::{Access, BatchResult, Chats, Denied, NewChat, Principal, Registered, batch_result},
};
use async_trait::async_trait;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    PostgresStore, Result,
    asks::ask_number,
    marks::{POSITIONS, position},
    pool::Params,
    rows::{
        self, LIVE_CHAT, digest, live_chat, lock, moment, moment_if_any, ms, name_if_any, read_all,
        seat, unreadable, uuid,
    },
    seats::name_seat,
    transaction::Transaction,
};

#[async_trait]
impl Chats for PostgresStore {
    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool> {
        self.transaction("reserve", async |tx| {
            let used: bool = tx.query_one(USED, &[&uuid(key)]).await?.get(0);
            let hold_ms = ms(hold);
            Ok(!used && tx.execute(RESERVE, &[&uuid(key), &hold_ms]).await? == 1)
        })
        .await
    }

    async fn register(&self, new: NewChat) -> Result<Registered> {
        self.transaction("register", async |tx| register(tx, &new).await)
            .await
    }

    async fn name_seat_two(&self, key: ChatKey, name: &UserName) -> Result<Access<bool>> {
        self.transaction("name_seat_two", async |tx| {
            if let Err(denied) = lock(tx, key).await? {
                return Ok(Err(denied));
            }
            name_seat(tx, key, Seat::Two, name).await.map(Ok)
        })
        .await
    }

    async fn status(&self, key: ChatKey) -> Result<Access<()>> {
        let found = self.query("status", LIVE_CHAT, &[&uuid(key)]).await?;
        let found = live_chat(&found[0]).map_err(unreadable)?;
        Ok(found.map(|_| ()))
    }

    /// If the chat ended between the two queries its seats are missing: then it has ended.
    async fn load(&self, key: ChatKey) -> Result<Access<Chat>> {
        let id = uuid(key);
        let ids = &[id][..];
        let (by_id, by_ids): (Params<'_>, Params<'_>) = (&[&id], &[&ids]);
        let asked = [
            // First: if the chat changes during the other reads, the old revision causes another load.
            (POSITIONS, by_ids),
            (SEATS, by_id),
            (SESSIONS, by_id),
            (ASKS, by_id),
            (LIVE_CHAT, by_id),
        ];
        let queries = self.connections.queries(asked);
        let rows = self.meter.measure("load", queries).await?;
        chat(key, &rows).map_err(unreadable)
    }

    async fn positions(&self, keys: &[ChatKey]) -> BatchResult<Option<Position>> {
        let keys: Vec<Uuid> = keys.iter().map(|key| uuid(*key)).collect();
        let found = self.query("positions", POSITIONS, &[&keys]).await;
        batch_result(keys.len(), found.and_then(|rows| read_all(&rows, position)))
    }

    async fn end(&self, by: Principal) -> Result<Access<()>> {
        self.transaction("end", async |tx| end(tx, by).await).await
    }
}

/// Whether a key is in use, or was used by a chat that is over.
pub(super) const USED: &str = "SELECT EXISTS (SELECT FROM chats WHERE key = $1)
                        OR EXISTS (SELECT FROM tombstones WHERE key = $1)";

pub(super) async fn is_reserved(tx: &mut Transaction<'_>, key: ChatKey) -> Result<bool, Error> {
    let reserved = "SELECT FROM reservations WHERE key = $1 AND expires_at + 0 > now_ms()";
    Ok(tx.query_opt(reserved, &[&uuid(key)]).await?.is_some())
}

const RESERVE: &str = "
    INSERT INTO reservations AS r (key, expires_at) VALUES ($1, now_ms() + $2)
    ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE r.expires_at <= now_ms()";

const MAKE: &str = "
    INSERT INTO chats (key, expires_at, registration, sealed_hash, encryption, auth, both_named)
    VALUES ($1, now_ms() + $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING expires_at";

pub(super) async fn register(tx: &mut Transaction<'_>, new: &NewChat) -> Result<Registered, Error> {
    if let Some(before) = registered_before(tx, new).await? {
        return Ok(before);
    }
    if new.must_be_reserved && !is_reserved(tx, new.key).await? {
        let used: bool = tx.query_one(USED, &[&uuid(new.key)]).await?.get(0);
        return Ok(if used {
            Registered::Taken
        } else {
            Registered::NotReserved
        });
    }
    let (registration, encryption) = (new.registration.as_ref(), new.encryption.as_ref());
    let params: Params<'_> = &[
        &uuid(new.key),
        &ms(new.lifetime.duration()),
        &registration.map(|(digest, _)| &digest.as_bytes()[..]),
        &registration.map(|(_, sealed)| sealed.as_bytes()),
        &encryption.map(|_| Encryption::VERSION),
        &encryption.map(|encryption| &encryption.auth.as_bytes()[..]),
        &new.name_two.is_some(),
    ];
    let Some(made) = tx.query_opt(MAKE, params).await? else {
        // Another call made the same registration, or took the key.
        return Ok(registered_before(tx, new)
            .await?
            .unwrap_or(Registered::Taken));
    };
    // Checked after the insert, which waited for a transaction that was ending a chat with this key.
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

pub(super) async fn registered_before(
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
        // The chat has expired, so its id is free for a new one.
        let _ = end(tx, Principal::Server(key)).await?;
        return Ok(None);
    }
    let [one, two] = seats(&tx.query(SEATS, &[&uuid(key)]).await?)?.0;
    let both_named = row.try_get("both_named")?;
    let same_names = new.same_names(one.name.as_ref(), two.name.as_ref(), both_named);
    Ok(Some(Registered::Duplicate {
        key,
        sealed: SealedHash::from_bytes(row.try_get("sealed_hash")?),
        expires_at: moment(&row, "expires_at")?,
        same_names,
        encryption: rows::encryption(&row)?,
    }))
}

const SEATS: &str = "
    SELECT seat, name, taken, joined_at, last_seen, replaced_at FROM seats WHERE key = $1";
const SESSIONS: &str = "
    SELECT id, seat, digest, device, since, last_seen FROM sessions WHERE key = $1";
const ASKS: &str = "
    SELECT word, seat, number, expires_at, expires_at - now_ms() AS left_ms FROM asks
    WHERE key = $1 AND allowed IS NULL AND expires_at + 0 > now_ms()
    ORDER BY expires_at + 0";

/// Assembles a chat from the results of the queries of `load`.
fn chat(
    key: ChatKey,
    [position_rows, seat_rows, session_rows, ask_rows, found]: &[Vec<Row>; 5],
) -> Result<Access<Chat>, Error> {
    // Read with the row that says that the chat lives, so that an encrypted chat that is registered meanwhile
    // is never taken for a plain one.
    let encryption = rows::encryption(&found[0])?;
    let found = live_chat(&found[0])?;
    let seats = seats(seat_rows)?;
    let sessions = session_rows
        .iter()
        .filter_map(|row| session(row).transpose());
    let sessions = sessions.collect::<Result<_, _>>()?;
    let asks = ask_rows.iter().map(ask).collect::<Result<_, _>>()?;
    let position = position(&position_rows[0])?.unwrap_or_default();
    Ok(found.map(|found| Chat {
        key,
        expires_at: found.expires_at,
        position: Position {
            last_seq: found.last_seq,
            ..position
        },
        encryption,
        seats,
        sessions,
        asks,
    }))
}

fn seats(rows: &[Row]) -> Result<BySeat<SeatState>, Error> {
    let mut seats = BySeat::default();
    for row in rows {
        seats[seat(row)?] = SeatState {
            name: name_if_any(row, "name")?,
            taken: row.try_get("taken")?,
            joined_at: moment_if_any(row, "joined_at")?,
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
        ask_ref: row.try_get("word")?,
        seat: seat(row)?,
        number: ask_number(row)?,
        expires_at: moment(row, "expires_at")?,
        left: Duration::from_millis(rows::seq(row.try_get("left_ms")?)),
    })
}

/// Ends a chat in one statement. Everything but its messages is deleted at once, and those can no longer be
/// found. The DELETE waits for whoever holds the chat's row lock.
const END: &str = "
    WITH gone AS (DELETE FROM chats WHERE key = $1 RETURNING key),
         seats AS (DELETE FROM seats s USING gone g WHERE s.key = g.key),
         sessions AS (DELETE FROM sessions s USING gone g WHERE s.key = g.key),
         asks AS (DELETE FROM asks a USING gone g WHERE a.key = g.key),
         replaced AS (DELETE FROM replaced_secrets r USING gone g WHERE r.key = g.key)
    INSERT INTO tombstones (key, ended_at) SELECT key, now_ms() FROM gone ON CONFLICT DO NOTHING";

pub(super) async fn end(tx: &mut Transaction<'_>, by: Principal) -> Result<Access<()>, Error> {
    // Locked first, so that END sees the sessions of logins that are being committed.
    let found = match by {
        Principal::Session(caller) => rows::lock_for(tx, &caller).await?,
        Principal::Server(key) => lock(tx, key).await?,
    };
    let found = found.map(|_| ());
    // One that has expired counts as ended and is still here, until this ends it.
    if found != Err(Denied::NoSession) && tx.execute(END, &[&uuid(by.key())]).await? == 1 {
        return Ok(Ok(()));
    }
    Ok(found)
}
