//! Asks to be let in, and the people who were replaced by somebody who was.

use std::time::Duration;

use actors::{
    domain::{AskNumber, AskRef, Caller, ChatKey, Seat, SecretDigest, Timestamp},
    ports::{Access, AnswerOutcome, AskAnswer, AskState, NewAsk, Replaced, StoredAsk},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::rows::{Col, access, get, live_chat};
use crate::store::REPLACED_SECRETS_MAX;

/// Whether the session that allowed an ask lives. Asks allowed by an older release name no session and count
/// as allowed.
pub(super) const ALLOWED_STILL: &str = "(allowed_by IS NULL OR EXISTS
    (SELECT 1 FROM sessions s WHERE s.key = asks.key AND s.digest = asks.allowed_by))";

/// Records an ask. A seat has one open ask, the newest.
pub(super) fn ask(
    tx: &Transaction<'_>,
    key: ChatKey,
    ask: &NewAsk,
    now: Timestamp,
) -> rusqlite::Result<Access<()>> {
    if let Err(denied) = live_chat(tx, key, now)? {
        return Ok(Err(denied));
    }
    tx.execute(
        "UPDATE asks SET expires_at = ?3
         WHERE key = ?1 AND seat = ?2 AND allowed IS NULL AND expires_at > ?3",
        params![Col(key), Col(ask.seat), Col(now)],
    )?;
    tx.execute(
        "INSERT INTO asks (key, digest, word, seat, number, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            Col(key),
            Col(ask.digest),
            Col(ask.ask_ref),
            Col(ask.seat),
            ask.number.get(),
            Col(now.plus(ask.valid))
        ],
    )?;
    Ok(Ok(()))
}

pub(super) fn ask_state(
    connection: &Connection,
    key: ChatKey,
    digest: SecretDigest,
    now: Timestamp,
) -> rusqlite::Result<Option<StoredAsk>> {
    connection
        .prepare_cached(&format!(
            "SELECT seat, number, allowed, expires_at > ?3 AND {ALLOWED_STILL} AS good
             FROM asks WHERE key = ?1 AND digest = ?2"
        ))?
        .query_row(params![Col(key), Col(digest), Col(now)], |row| {
            Ok(StoredAsk {
                seat: get(row, "seat")?,
                number: AskNumber::from_store(row.get("number")?),
                state: AskState::of(row.get("allowed")?, row.get("good")?),
            })
        })
        .optional()
}

pub(super) fn answer(
    tx: &Transaction<'_>,
    by: Caller,
    ask_ref: AskRef,
    verdict: AskAnswer,
    now: Timestamp,
) -> rusqlite::Result<Access<AnswerOutcome>> {
    if let Err(denied) = access(tx, by.into(), now)? {
        return Ok(Err(denied));
    }
    let found = tx
        .query_row(
            "SELECT seat, allowed IS NULL AND expires_at > ?3 AS open FROM asks
             WHERE key = ?1 AND word = ?2",
            params![Col(by.key), Col(ask_ref), Col(now)],
            |row| Ok((get(row, "seat")?, row.get("open")?)),
        )
        .optional()?;
    let outcome = verdict.outcome(by.seat, found);
    if let AnswerOutcome::Done(seat) = outcome {
        match verdict {
            AskAnswer::DryRun => {}
            AskAnswer::Refuse => refuse(tx, by.key, ask_ref)?,
            AskAnswer::Allow { valid } => allow(tx, by, ask_ref, seat, valid, now)?,
        }
    }
    Ok(Ok(outcome))
}

fn refuse(tx: &Transaction<'_>, key: ChatKey, ask_ref: AskRef) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE asks SET allowed = 0 WHERE key = ?1 AND word = ?2",
        params![Col(key), Col(ask_ref)],
    )?;
    Ok(())
}

fn allow(
    tx: &Transaction<'_>,
    by: Caller,
    ask_ref: AskRef,
    seat: Seat,
    valid: Duration,
    now: Timestamp,
) -> rusqlite::Result<()> {
    // Only the ask allowed last lets somebody in.
    end_asks(tx, by.key, seat, now)?;
    tx.execute(
        "UPDATE asks SET allowed = 1, allowed_by = ?3, expires_at = ?4
         WHERE key = ?1 AND word = ?2",
        params![
            Col(by.key),
            Col(ask_ref),
            Col(by.session),
            Col(now.plus(valid))
        ],
    )?;
    replace(tx, by.key, seat, now)
}

/// Expires the asks of a seat that are open, or allowed and not used yet.
pub(super) fn end_asks(
    tx: &Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE asks SET expires_at = ?3
         WHERE key = ?1 AND seat = ?2 AND allowed IS NOT 0 AND expires_at > ?3",
        params![Col(key), Col(seat), Col(now)],
    )?;
    Ok(())
}

/// Ends a seat's sessions and codes, and remembers their digests.
fn replace(tx: &Transaction<'_>, key: ChatKey, seat: Seat, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT OR REPLACE INTO replaced_secrets (key, digest, seat, at)
         SELECT key, digest, seat, ?3 FROM sessions WHERE key = ?1 AND seat = ?2
         UNION ALL SELECT key, return_code, seat, ?3 FROM seats
         WHERE key = ?1 AND seat = ?2 AND return_code IS NOT NULL
         UNION ALL SELECT key, device_code, seat, ?3 FROM seats
         WHERE key = ?1 AND seat = ?2 AND device_code IS NOT NULL",
        params![Col(key), Col(seat), Col(now)],
    )?;
    tx.execute(
        "DELETE FROM replaced_secrets WHERE key = ?1 AND digest IN
         (SELECT digest FROM replaced_secrets WHERE key = ?1 AND seat = ?2
          ORDER BY at DESC LIMIT -1 OFFSET ?3)",
        params![Col(key), Col(seat), REPLACED_SECRETS_MAX],
    )?;
    tx.execute(
        "DELETE FROM sessions WHERE key = ?1 AND seat = ?2",
        params![Col(key), Col(seat)],
    )?;
    tx.execute(
        "UPDATE seats SET return_code = NULL, device_code = NULL, device_code_expires_at = NULL,
                          device_code_by = NULL, replaced_at = ?3
         WHERE key = ?1 AND seat = ?2",
        params![Col(key), Col(seat), Col(now)],
    )?;
    Ok(())
}

pub(super) fn replaced(
    connection: &Connection,
    key: ChatKey,
    digest: SecretDigest,
) -> rusqlite::Result<Option<Replaced>> {
    connection
        .prepare_cached("SELECT seat, at FROM replaced_secrets WHERE key = ?1 AND digest = ?2")?
        .query_row(params![Col(key), Col(digest)], |row| {
            Ok(Replaced {
                seat: get(row, "seat")?,
                at: get(row, "at")?,
            })
        })
        .optional()
}
