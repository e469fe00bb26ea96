//! Who sits where, and what lets them in.

use std::time::Duration;

use actors::{
    domain::{AskWord, ChatKey, CodeDigest, Seat, SecretDigest, Timestamp},
    ports::{Answered, AskState, Claim, Claimed, Lookup, NewAsk, Proof, SessionChoice},
};
use tokio_postgres::{Error, Row};

use super::{
    chats::ms,
    rows::{self, digest_if_any, moment, moment_if_any, number, uuid},
    transaction::Transaction,
};

const SIT: &str = "
    INSERT INTO sessions (key, digest, id, seat, login, code_set, since)
    VALUES ($1, $2, $3, $4, $5, $6, now_ms())";

pub(super) async fn take(
    tx: &mut Transaction<'_>,
    claim: &Claim,
) -> Result<Lookup<Claimed>, Error> {
    let found = rows::lock(tx, claim.key).await?;
    let Lookup::Live(living) = found else {
        return Ok(found.map(|_| Claimed::Taken));
    };
    let code_set = match claim_again(tx, claim).await? {
        Some(code_set) => code_set,
        None => match admit(tx, claim, living.now).await? {
            Ok(code_set) => code_set,
            Err(refused) => return Ok(Lookup::Live(refused)),
        },
    };
    let (key, seat) = (uuid(claim.key), number(claim.seat));
    if code_set {
        let set = "UPDATE seats SET taken = true, return_code = $3 WHERE key = $1 AND seat = $2";
        tx.execute(set, &[&key, &seat, &&claim.return_code.as_bytes()[..]])
            .await?;
    }
    make_room(tx, claim).await?;
    let login = claim
        .session
        .login
        .as_ref()
        .map(|login| &login.as_bytes()[..]);
    let digest = &claim.session.digest.as_bytes()[..];
    tx.execute(
        SIT,
        &[&key, &digest, &claim.session.id, &seat, &login, &code_set],
    )
    .await?;
    Ok(Lookup::Live(Claimed::Sat { code_set }))
}

/// The same login again, while the session it made is unused: that session makes way.
async fn claim_again(tx: &mut Transaction<'_>, claim: &Claim) -> Result<Option<bool>, Error> {
    let Some(login) = &claim.session.login else {
        return Ok(None);
    };
    let take_away = "DELETE FROM sessions
                     WHERE key = $1 AND seat = $2 AND login = $3 AND last_seen IS NULL
                     RETURNING code_set";
    let params = (uuid(claim.key), number(claim.seat), &login.as_bytes()[..]);
    let rows = tx
        .query(take_away, &[&params.0, &params.1, &params.2])
        .await?;
    rows.first().map(|row| row.try_get("code_set")).transpose()
}

/// Whether the claimer may sit down, and with a new return code.
async fn admit(
    tx: &mut Transaction<'_>,
    claim: &Claim,
    now: Timestamp,
) -> Result<Result<bool, Claimed>, Error> {
    let find = "SELECT taken, return_code, device_code, device_code_expires_at FROM seats
                WHERE key = $1 AND seat = $2";
    let seat = tx
        .query_one(find, &[&uuid(claim.key), &number(claim.seat)])
        .await?;
    if !seat.try_get::<_, bool>("taken")? {
        return Ok(Ok(true));
    }
    let admitted = match claim.proof {
        None => return Ok(Err(Claimed::Taken)),
        Some(Proof::ReturnCode(code)) => {
            let right = digest_if_any(&seat, "return_code")? == Some(code);
            right.then_some(false)
        }
        Some(Proof::DeviceCode(code)) => {
            let right = digest_if_any(&seat, "device_code")? == Some(code);
            let good = right && moment_if_any(&seat, "device_code_expires_at")? > Some(now);
            if good {
                clear_device_code(tx, claim.key, claim.seat).await?;
            }
            good.then_some(false)
        }
        Some(Proof::Ask(digest)) => use_ask(tx, claim, digest).await?.then_some(true),
    };
    Ok(admitted.ok_or(Claimed::WrongProof))
}

/// Once used it counts as lapsed.
async fn use_ask(
    tx: &mut Transaction<'_>,
    claim: &Claim,
    digest: SecretDigest,
) -> Result<bool, Error> {
    let lapse = "UPDATE asks SET expires_at = now_ms()
                 WHERE key = $1 AND digest = $2 AND seat = $3 AND allowed AND expires_at + 0 > now_ms()";
    let digest = &digest.as_bytes()[..];
    let used = tx
        .execute(lapse, &[&uuid(claim.key), &digest, &number(claim.seat)])
        .await?;
    Ok(used == 1)
}

async fn make_room(tx: &mut Transaction<'_>, claim: &Claim) -> Result<(), Error> {
    let evict = "DELETE FROM sessions WHERE key = $1 AND digest IN
                 (SELECT digest FROM sessions WHERE key = $1 AND seat = $2
                  ORDER BY greatest(since, last_seen) DESC OFFSET $3)";
    let kept = i64::try_from(claim.sessions_max.saturating_sub(1)).unwrap_or(i64::MAX);
    tx.execute(evict, &[&uuid(claim.key), &number(claim.seat), &kept])
        .await?;
    Ok(())
}

async fn clear_device_code(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    seat: Seat,
) -> Result<(), Error> {
    let clear = "UPDATE seats SET device_code = NULL, device_code_expires_at = NULL
                 WHERE key = $1 AND seat = $2";
    tx.execute(clear, &[&uuid(key), &number(seat)]).await?;
    Ok(())
}

pub(super) async fn end_session(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    which: SessionChoice,
) -> Result<bool, Error> {
    rows::lock(tx, key).await?;
    let (key, seat) = (uuid(key), number(seat));
    let ended = match which {
        SessionChoice::Token(digest) => {
            let end = "DELETE FROM sessions WHERE key = $1 AND seat = $2 AND digest = $3";
            tx.execute(end, &[&key, &seat, &&digest.as_bytes()[..]])
                .await?
        }
        SessionChoice::Id(id) => {
            let end = "DELETE FROM sessions WHERE key = $1 AND seat = $2 AND id = $3";
            tx.execute(end, &[&key, &seat, &id]).await?
        }
    };
    Ok(ended > 0)
}

pub(super) async fn set_return_code(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    code: CodeDigest,
) -> Result<(), Error> {
    let set = "UPDATE seats SET return_code = $3 WHERE key = $1 AND seat = $2";
    tx.execute(set, &[&uuid(key), &number(seat), &&code.as_bytes()[..]])
        .await?;
    Ok(())
}

pub(super) async fn set_device_code(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    code: CodeDigest,
    valid: Duration,
) -> Result<Timestamp, Error> {
    let set = "UPDATE seats SET device_code = $3, device_code_expires_at = now_ms() + $4
               WHERE key = $1 AND seat = $2 RETURNING device_code_expires_at";
    let code = &code.as_bytes()[..];
    let lapse = "SELECT now_ms() + $1 AS device_code_expires_at";
    let set = tx
        .query_opt(set, &[&uuid(key), &number(seat), &code, &ms(valid)])
        .await?;
    match set {
        Some(row) => moment(&row, "device_code_expires_at"),
        // The chat is over, and the code with it.
        None => moment(
            &tx.query_one(lapse, &[&ms(valid)]).await?,
            "device_code_expires_at",
        ),
    }
}

pub(super) async fn ask(tx: &mut Transaction<'_>, key: ChatKey, ask: &NewAsk) -> Result<(), Error> {
    if !matches!(rows::lock(tx, key).await?, Lookup::Live(_)) {
        return Ok(());
    }
    let record = "INSERT INTO asks (key, digest, word, seat, expires_at)
                  VALUES ($1, $2, $3, $4, now_ms() + $5)";
    let digest = &ask.digest.as_bytes()[..];
    let (seat, valid_ms) = (number(ask.seat), ms(ask.valid));
    tx.execute(record, &[&uuid(key), &digest, &ask.word, &seat, &valid_ms])
        .await?;
    Ok(())
}

pub(super) const ASK_STATE: &str = "
    SELECT seat, allowed, expires_at <= now_ms() AS lapsed FROM asks WHERE key = $1 AND digest = $2";

pub(super) fn ask_state(row: &Row) -> Result<(Seat, AskState), Error> {
    let lapsed: bool = row.try_get("lapsed")?;
    let state = match row.try_get::<_, Option<bool>>("allowed")? {
        Some(false) => AskState::Refused,
        _ if lapsed => AskState::Expired,
        Some(true) => AskState::Allowed,
        None => AskState::Waiting,
    };
    Ok((rows::seat(row)?, state))
}

pub(super) async fn answer(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    word: AskWord,
    allow: bool,
) -> Result<Answered, Error> {
    rows::lock(tx, key).await?;
    let answer = "UPDATE asks SET allowed = $3
                  WHERE key = $1 AND word = $2 AND allowed IS NULL AND expires_at + 0 > now_ms()
                  RETURNING seat";
    let Some(row) = tx.query_opt(answer, &[&uuid(key), &word, &allow]).await? else {
        return Ok(Answered::Over);
    };
    let seat = rows::seat(&row)?;
    if allow {
        let (key_id, number) = (uuid(key), number(seat));
        let end = "DELETE FROM sessions WHERE key = $1 AND seat = $2";
        tx.execute(end, &[&key_id, &number]).await?;
        let clear = "UPDATE seats SET return_code = NULL WHERE key = $1 AND seat = $2";
        tx.execute(clear, &[&key_id, &number]).await?;
        clear_device_code(tx, key, seat).await?;
    }
    Ok(Answered::Done(seat))
}
