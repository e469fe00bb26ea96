//! Who sits where, and what lets them in.

use actors::{
    domain::{AskWord, ChatKey, CodeDigest, Seat, SecretDigest, SessionId, Timestamp, UserName},
    ports::{Answered, AskState, Claim, Claimed, Lookup, NewAsk, Proof, SessionChoice},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::rows::{Col, get, get_some, living};

pub(super) fn name_seat_two(
    tx: &Transaction<'_>,
    key: ChatKey,
    name: &UserName,
    now: Timestamp,
) -> rusqlite::Result<Lookup<bool>> {
    let found = living(tx, key, now)?;
    let named = matches!(found, Lookup::Live(_))
        && tx.execute(
            "UPDATE seats SET name = ?2 WHERE key = ?1 AND seat = 2 AND name IS NULL",
            params![Col(key), name.as_str()],
        )? == 1;
    Ok(found.map(|_| named))
}

struct SeatRow {
    taken: bool,
    return_code: Option<CodeDigest>,
    device_code: Option<CodeDigest>,
    device_code_expires_at: Option<Timestamp>,
}

pub(super) fn take(
    tx: &Transaction<'_>,
    claim: &Claim,
    now: Timestamp,
) -> rusqlite::Result<Lookup<Claimed>> {
    let found = living(tx, claim.key, now)?;
    if !matches!(found, Lookup::Live(_)) {
        return Ok(found.map(|_| Claimed::Taken));
    }
    let code_set = match claim_again(tx, claim)? {
        Some(code_set) => code_set,
        None => match admit(tx, claim, now)? {
            Ok(code_set) => code_set,
            Err(refused) => return Ok(Lookup::Live(refused)),
        },
    };
    if code_set {
        tx.execute(
            "UPDATE seats SET taken = 1, return_code = ?3 WHERE key = ?1 AND seat = ?2",
            params![Col(claim.key), Col(claim.seat), Col(claim.return_code)],
        )?;
    }
    make_room(tx, claim)?;
    tx.execute(
        "INSERT INTO sessions (key, digest, id, seat, login, code_set, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            Col(claim.key),
            Col(claim.session.digest),
            Col(claim.session.id),
            Col(claim.seat),
            claim.session.login.map(Col),
            code_set,
            Col(now)
        ],
    )?;
    Ok(Lookup::Live(Claimed::Sat { code_set }))
}

/// The same login again, while the session it made is unused: that session makes way.
fn claim_again(tx: &Transaction<'_>, claim: &Claim) -> rusqlite::Result<Option<bool>> {
    let Some(login) = claim.session.login else {
        return Ok(None);
    };
    tx.query_row(
        "DELETE FROM sessions WHERE key = ?1 AND seat = ?2 AND login = ?3 AND last_seen IS NULL
         RETURNING code_set",
        params![Col(claim.key), Col(claim.seat), Col(login)],
        |row| row.get(0),
    )
    .optional()
}

/// Whether the claimer may sit down, and with a new return code.
fn admit(
    tx: &Transaction<'_>,
    claim: &Claim,
    now: Timestamp,
) -> rusqlite::Result<Result<bool, Claimed>> {
    let seat = tx.query_row(
        "SELECT taken, return_code, device_code, device_code_expires_at FROM seats
         WHERE key = ?1 AND seat = ?2",
        params![Col(claim.key), Col(claim.seat)],
        |row| {
            Ok(SeatRow {
                taken: row.get("taken")?,
                return_code: get_some(row, "return_code")?,
                device_code: get_some(row, "device_code")?,
                device_code_expires_at: get_some(row, "device_code_expires_at")?,
            })
        },
    )?;
    if !seat.taken {
        return Ok(Ok(true));
    }
    let admitted = match claim.proof {
        None => return Ok(Err(Claimed::Taken)),
        Some(Proof::ReturnCode(code)) if seat.return_code == Some(code) => Some(false),
        Some(Proof::DeviceCode(code)) => {
            let good = seat.device_code == Some(code) && seat.device_code_expires_at > Some(now);
            if good {
                clear_device_code(tx, claim.key, claim.seat)?;
            }
            good.then_some(false)
        }
        Some(Proof::Ask(digest)) => use_ask(tx, claim, digest, now)?.then_some(true),
        Some(Proof::ReturnCode(_)) => None,
    };
    Ok(admitted.ok_or(Claimed::WrongProof))
}

fn use_ask(
    tx: &Transaction<'_>,
    claim: &Claim,
    digest: SecretDigest,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    // Once used it counts as lapsed.
    let used = tx.execute(
        "UPDATE asks SET expires_at = ?4
         WHERE key = ?1 AND digest = ?2 AND seat = ?3 AND allowed = 1 AND expires_at > ?4",
        params![Col(claim.key), Col(digest), Col(claim.seat), Col(now)],
    )?;
    Ok(used == 1)
}

fn make_room(tx: &Transaction<'_>, claim: &Claim) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM sessions WHERE key = ?1 AND digest IN
         (SELECT digest FROM sessions WHERE key = ?1 AND seat = ?2
          ORDER BY max(since, coalesce(last_seen, 0)) DESC LIMIT -1 OFFSET ?3)",
        params![
            Col(claim.key),
            Col(claim.seat),
            claim.sessions_max.saturating_sub(1)
        ],
    )?;
    Ok(())
}

fn clear_device_code(tx: &Transaction<'_>, key: ChatKey, seat: Seat) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE seats SET device_code = NULL, device_code_expires_at = NULL
         WHERE key = ?1 AND seat = ?2",
        params![Col(key), Col(seat)],
    )?;
    Ok(())
}

pub(super) fn end_session(
    tx: &Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    which: SessionChoice,
) -> rusqlite::Result<bool> {
    let ended = match which {
        SessionChoice::Token(digest) => tx.execute(
            "DELETE FROM sessions WHERE key = ?1 AND seat = ?2 AND digest = ?3",
            params![Col(key), Col(seat), Col(digest)],
        )?,
        SessionChoice::Id(id) => {
            let id: SessionId = id;
            tx.execute(
                "DELETE FROM sessions WHERE key = ?1 AND seat = ?2 AND id = ?3",
                params![Col(key), Col(seat), Col(id)],
            )?
        }
    };
    Ok(ended > 0)
}

pub(super) fn set_return_code(
    tx: &Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    code: CodeDigest,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE seats SET return_code = ?3 WHERE key = ?1 AND seat = ?2",
        params![Col(key), Col(seat), Col(code)],
    )?;
    Ok(())
}

pub(super) fn set_device_code(
    tx: &Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    code: CodeDigest,
    lapses: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE seats SET device_code = ?3, device_code_expires_at = ?4
         WHERE key = ?1 AND seat = ?2",
        params![Col(key), Col(seat), Col(code), Col(lapses)],
    )?;
    Ok(())
}

pub(super) fn ask(
    tx: &Transaction<'_>,
    key: ChatKey,
    ask: &NewAsk,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO asks (key, digest, word, seat, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            Col(key),
            Col(ask.digest),
            Col(ask.word),
            Col(ask.seat),
            Col(now.plus(ask.valid))
        ],
    )?;
    Ok(())
}

pub(super) fn ask_state(
    connection: &Connection,
    key: ChatKey,
    digest: SecretDigest,
    now: Timestamp,
) -> rusqlite::Result<Option<(Seat, AskState)>> {
    connection
        .prepare_cached(
            "SELECT seat, allowed, expires_at FROM asks WHERE key = ?1 AND digest = ?2",
        )?
        .query_row(params![Col(key), Col(digest)], |row| {
            let expires_at: Timestamp = get(row, "expires_at")?;
            let state = match row.get::<_, Option<bool>>("allowed")? {
                Some(false) => AskState::Refused,
                _ if expires_at <= now => AskState::Expired,
                Some(true) => AskState::Allowed,
                None => AskState::Waiting,
            };
            Ok((get(row, "seat")?, state))
        })
        .optional()
}

pub(super) fn answer(
    tx: &Transaction<'_>,
    key: ChatKey,
    word: AskWord,
    allow: bool,
    now: Timestamp,
) -> rusqlite::Result<Answered> {
    let answered: Option<Seat> = tx
        .query_row(
            "UPDATE asks SET allowed = ?3
             WHERE key = ?1 AND word = ?2 AND allowed IS NULL AND expires_at > ?4
             RETURNING seat",
            params![Col(key), Col(word), allow, Col(now)],
            |row| get(row, "seat"),
        )
        .optional()?;
    let Some(seat) = answered else {
        return Ok(Answered::Over);
    };
    if allow {
        tx.execute(
            "DELETE FROM sessions WHERE key = ?1 AND seat = ?2",
            params![Col(key), Col(seat)],
        )?;
        tx.execute(
            "UPDATE seats SET return_code = NULL WHERE key = ?1 AND seat = ?2",
            params![Col(key), Col(seat)],
        )?;
        clear_device_code(tx, key, seat)?;
    }
    Ok(Answered::Done(seat))
}
