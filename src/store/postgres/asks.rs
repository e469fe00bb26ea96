//! Asks to be let in, and the people who were replaced by somebody who was.

use std::time::Duration;

use actors::{
    domain::{AskNumber, AskRef, Caller, ChatKey, Seat},
    ports::{Access, AnswerOutcome, AskAnswer, AskState, NewAsk, Replaced, StoredAsk},
};
use tokio_postgres::{Error, Row};

use super::{
    rows::{self, lock_for, moment, ms, number, uuid},
    transaction::Transaction,
};
use crate::store::REPLACED_SECRETS_MAX;

/// Records an ask. A seat has one open ask, the newest.
pub(super) async fn ask(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    ask: &NewAsk,
) -> Result<Access<()>, Error> {
    if let Err(denied) = rows::lock(tx, key).await? {
        return Ok(Err(denied));
    }
    let (key, seat) = (uuid(key), number(ask.seat));
    let supersede = "UPDATE asks SET expires_at = now_ms()
                     WHERE key = $1 AND seat = $2 AND allowed IS NULL AND expires_at + 0 > now_ms()";
    tx.execute(supersede, &[&key, &seat]).await?;
    let record = "INSERT INTO asks (key, digest, word, seat, number, expires_at)
                  VALUES ($1, $2, $3, $4, $5, now_ms() + $6)";
    let digest = &ask.digest.as_bytes()[..];
    let (digits, valid_ms) = (i16::from(ask.number.get()), ms(ask.valid));
    tx.execute(
        record,
        &[&key, &digest, &ask.ask_ref, &seat, &digits, &valid_ms],
    )
    .await?;
    Ok(Ok(()))
}

/// Whether an ask was allowed by a session that still lives. Asks allowed by an older release name no session
/// and count as allowed.
pub(super) const ASK_STATE: &str = "
    SELECT seat, number, allowed, expires_at > now_ms() AND (allowed_by IS NULL OR EXISTS
        (SELECT FROM sessions s WHERE s.key = a.key AND s.digest = a.allowed_by)) AS good
    FROM asks a WHERE key = $1 AND digest = $2";

pub(super) fn ask_state(row: &Row) -> Result<StoredAsk, Error> {
    Ok(StoredAsk {
        seat: rows::seat(row)?,
        number: ask_number(row)?,
        state: AskState::of(row.try_get("allowed")?, row.try_get("good")?),
    })
}

pub(super) fn ask_number(row: &Row) -> Result<AskNumber, Error> {
    let digits: i16 = row.try_get("number")?;
    Ok(AskNumber::from_store(digits.into()))
}

pub(super) async fn answer(
    tx: &mut Transaction<'_>,
    by: Caller,
    ask_ref: AskRef,
    verdict: AskAnswer,
) -> Result<Access<AnswerOutcome>, Error> {
    if let Err(denied) = lock_for(tx, &by).await? {
        return Ok(Err(denied));
    }
    let find = "SELECT seat, allowed IS NULL AND expires_at > now_ms() AS open
                FROM asks WHERE key = $1 AND word = $2";
    let found = match tx.query_opt(find, &[&uuid(by.key), &ask_ref]).await? {
        Some(row) => Some((rows::seat(&row)?, row.try_get("open")?)),
        None => None,
    };
    let outcome = verdict.outcome(by.seat, found);
    if let AnswerOutcome::Done(seat) = outcome {
        match verdict {
            AskAnswer::DryRun => {}
            AskAnswer::Refuse => refuse(tx, by.key, ask_ref).await?,
            AskAnswer::Allow { valid } => allow(tx, by, ask_ref, seat, valid).await?,
        }
    }
    Ok(Ok(outcome))
}

async fn refuse(tx: &mut Transaction<'_>, key: ChatKey, ask_ref: AskRef) -> Result<(), Error> {
    let refuse = "UPDATE asks SET allowed = false WHERE key = $1 AND word = $2";
    tx.execute(refuse, &[&uuid(key), &ask_ref]).await?;
    Ok(())
}

async fn allow(
    tx: &mut Transaction<'_>,
    by: Caller,
    ask_ref: AskRef,
    seat: Seat,
    valid: Duration,
) -> Result<(), Error> {
    // Only the ask allowed last lets somebody in.
    end_asks(tx, by.key, seat).await?;
    let allow = "UPDATE asks SET allowed = true, allowed_by = $3, expires_at = now_ms() + $4
                 WHERE key = $1 AND word = $2";
    let session = &by.session.as_bytes()[..];
    tx.execute(allow, &[&uuid(by.key), &ask_ref, &session, &ms(valid)])
        .await?;
    replace(tx, by.key, seat).await
}

/// Expires the asks of a seat that are open, or allowed and not used yet.
pub(super) async fn end_asks(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    seat: Seat,
) -> Result<(), Error> {
    let end = "UPDATE asks SET expires_at = now_ms()
               WHERE key = $1 AND seat = $2 AND allowed IS NOT FALSE AND expires_at + 0 > now_ms()";
    tx.execute(end, &[&uuid(key), &number(seat)]).await?;
    Ok(())
}

/// Ends a seat's sessions and codes, and remembers their digests.
async fn replace(tx: &mut Transaction<'_>, key: ChatKey, seat: Seat) -> Result<(), Error> {
    let (key, seat) = (uuid(key), number(seat));
    // One timestamp for all statements below: now_ms() differs between statements.
    let at: i64 = tx.query_one("SELECT now_ms()", &[]).await?.try_get(0)?;
    let remember = "
        INSERT INTO replaced_secrets AS r (key, digest, seat, at)
        SELECT key, digest, seat, $3::bigint FROM sessions WHERE key = $1 AND seat = $2
        UNION ALL SELECT s.key, c.code, s.seat, $3
        FROM seats s CROSS JOIN LATERAL unnest(ARRAY[s.return_code, s.device_code]) AS c (code)
        WHERE s.key = $1 AND s.seat = $2 AND c.code IS NOT NULL
        ON CONFLICT (key, digest) DO UPDATE SET at = excluded.at";
    tx.execute(remember, &[&key, &seat, &at]).await?;
    let forget = "DELETE FROM replaced_secrets WHERE key = $1 AND digest IN
                  (SELECT digest FROM replaced_secrets WHERE key = $1 AND seat = $2
                   ORDER BY at DESC OFFSET $3)";
    tx.execute(forget, &[&key, &seat, &REPLACED_SECRETS_MAX])
        .await?;
    let end = "DELETE FROM sessions WHERE key = $1 AND seat = $2";
    tx.execute(end, &[&key, &seat]).await?;
    let clear = "UPDATE seats SET return_code = NULL, device_code = NULL,
                        device_code_expires_at = NULL, device_code_by = NULL, replaced_at = $3
                 WHERE key = $1 AND seat = $2";
    tx.execute(clear, &[&key, &seat, &at]).await?;
    Ok(())
}

pub(super) const REPLACED: &str =
    "SELECT seat, at FROM replaced_secrets WHERE key = $1 AND digest = $2";

pub(super) fn replaced(row: &Row) -> Result<Replaced, Error> {
    Ok(Replaced {
        seat: rows::seat(row)?,
        at: moment(row, "at")?,
    })
}
