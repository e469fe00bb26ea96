//! Seats, sessions and codes.

use std::time::Duration;

use actors::{
    domain::{AskRef, Caller, ChatKey, CodeDigest, Seat, SecretDigest, Seq, Timestamp, UserName},
    ports::{
        Access, AnswerOutcome, AskAnswer, BatchResult, Claim, Claimed, NewAsk, Proof, Replaced,
        Seats, SessionChoice, StoredAsk, batch_result,
    },
};
use async_trait::async_trait;
use tokio_postgres::Error;
use uuid::Uuid;

use super::{
    PostgresStore, Result, asks,
    pool::Params,
    rows::{
        LIVE_CHAT, access, digest_if_any, live_chat, lock, lock_for, moment, moment_if_any, ms,
        number, read_all, unreadable, uuid,
    },
    transaction::Transaction,
};

#[async_trait]
impl Seats for PostgresStore {
    async fn check_sessions(&self, callers: &[Caller]) -> BatchResult<Access<Seq>> {
        let keys: Vec<Uuid> = callers.iter().map(|by| uuid(by.key)).collect();
        let digests: Vec<&[u8]> = callers
            .iter()
            .map(|by| &by.session.as_bytes()[..])
            .collect();
        let seats: Vec<i16> = callers.iter().map(|by| number(by.seat)).collect();
        let params: Params<'_> = &[&keys, &digests, &seats];
        let found = self.query("check_sessions", CHECK_SESSIONS, params).await;
        let last_seq = |row: &_| Ok(access(row)?.map(|living| living.last_seq));
        batch_result(
            callers.len(),
            found.and_then(|rows| read_all(&rows, last_seq)),
        )
    }

    async fn take_seat(&self, claim: Claim) -> Result<Access<Claimed>> {
        self.transaction("take_seat", async |tx| take(tx, &claim).await)
            .await
    }

    async fn end_session(&self, by: Caller, which: SessionChoice) -> Result<Access<bool>> {
        self.transaction("end_session", async |tx| {
            if let Err(denied) = lock_for(tx, &by).await? {
                return Ok(Err(denied));
            }
            let (key, seat) = (uuid(by.key), number(by.seat));
            let ended = match which {
                SessionChoice::Own => {
                    let end = "DELETE FROM sessions WHERE key = $1 AND seat = $2 AND digest = $3";
                    tx.execute(end, &[&key, &seat, &&by.session.as_bytes()[..]])
                        .await?
                }
                SessionChoice::Id(id) => {
                    let end = "DELETE FROM sessions WHERE key = $1 AND seat = $2 AND id = $3";
                    tx.execute(end, &[&key, &seat, &id]).await?
                }
            };
            Ok(Ok(ended > 0))
        })
        .await
    }

    async fn set_return_code(&self, by: Caller, code: CodeDigest) -> Result<Access<()>> {
        self.transaction("set_return_code", async |tx| {
            if let Err(denied) = lock_for(tx, &by).await? {
                return Ok(Err(denied));
            }
            let set = "UPDATE seats SET return_code = $3 WHERE key = $1 AND seat = $2";
            let code = &code.as_bytes()[..];
            tx.execute(set, &[&uuid(by.key), &number(by.seat), &code])
                .await?;
            clear_device_code(tx, by.key, by.seat).await?;
            asks::end_asks(tx, by.key, by.seat).await?;
            Ok(Ok(()))
        })
        .await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>> {
        self.transaction("set_device_code", async |tx| {
            if let Err(denied) = lock_for(tx, &by).await? {
                return Ok(Err(denied));
            }
            let set = "UPDATE seats SET device_code = $3, device_code_expires_at = now_ms() + $4,
                                        device_code_by = $5
                       WHERE key = $1 AND seat = $2 RETURNING device_code_expires_at";
            let (code, session) = (&code.as_bytes()[..], &by.session.as_bytes()[..]);
            let params = (uuid(by.key), number(by.seat), ms(valid));
            let set = tx
                .query_one(set, &[&params.0, &params.1, &code, &params.2, &session])
                .await?;
            Ok(Ok(moment(&set, "device_code_expires_at")?))
        })
        .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Access<()>> {
        self.transaction("ask", async |tx| asks::ask(tx, key, &ask).await)
            .await
    }

    /// The chat is read after the ask: one that ended between the two queries has ended.
    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Access<Option<StoredAsk>>> {
        let (key, digest) = (uuid(key), &digest.as_bytes()[..]);
        let (by_both, by_key): (Params<'_>, Params<'_>) = (&[&key, &digest], &[&key]);
        let asked = [(asks::ASK_STATE, by_both), (LIVE_CHAT, by_key)];
        let queries = self.connections.queries(asked);
        let [found, chat] = self.meter.measure("ask_state", queries).await?;
        let found = found.first().map(asks::ask_state).transpose();
        let chat = live_chat(&chat[0]).map_err(unreadable)?;
        let found = found.map_err(unreadable)?;
        Ok(chat.map(|_| found))
    }

    async fn answer(
        &self,
        by: Caller,
        ask_ref: AskRef,
        verdict: AskAnswer,
    ) -> Result<Access<AnswerOutcome>> {
        self.transaction("answer", async |tx| {
            asks::answer(tx, by, ask_ref, verdict).await
        })
        .await
    }

    async fn replaced(&self, key: ChatKey, digest: SecretDigest) -> Result<Option<Replaced>> {
        let digest = &digest.as_bytes()[..];
        let found = self
            .query("replaced", asks::REPLACED, &[&uuid(key), &digest])
            .await?;
        let found = found.first().map(asks::replaced).transpose();
        found.map_err(unreadable)
    }
}

/// Checks many sessions at once, and returns the `last_seq` of their chats.
const CHECK_SESSIONS: &str = include_str!("sql/check_sessions.sql");

const SIT: &str = "
    INSERT INTO sessions (key, digest, id, seat, login, code_set, device, since)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now_ms())";

/// Names a seat; `false` when it has a name already.
pub(super) async fn name_seat(
    tx: &mut Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    name: &UserName,
) -> Result<bool, Error> {
    let set = "UPDATE seats SET name = $3 WHERE key = $1 AND seat = $2 AND name IS NULL";
    let params: Params<'_> = &[&uuid(key), &number(seat), &name.as_str()];
    Ok(tx.execute(set, params).await? == 1)
}

async fn take(tx: &mut Transaction<'_>, claim: &Claim) -> Result<Access<Claimed>, Error> {
    if let Err(denied) = lock(tx, claim.key).await? {
        return Ok(Err(denied));
    }
    // A seat without a name is free, so nothing refuses the claim after this.
    if let Some(name) = &claim.new_name
        && !name_seat(tx, claim.key, claim.seat, name).await?
    {
        return Ok(Ok(Claimed::NamedBefore));
    }
    let code_set = match claim_again(tx, claim).await? {
        Some(code_set) => code_set,
        None => match admit(tx, claim).await? {
            Ok(code_set) => code_set,
            Err(refused) => return Ok(Ok(refused)),
        },
    };
    let (key, seat) = (uuid(claim.key), number(claim.seat));
    if code_set {
        let set = "UPDATE seats SET taken = true, return_code = $3,
                                    joined_at = coalesce(joined_at, now_ms())
                   WHERE key = $1 AND seat = $2";
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
    let (id, device) = (&claim.session.id, claim.session.device.label());
    tx.execute(SIT, &[&key, &digest, id, &seat, &login, &code_set, &device])
        .await?;
    Ok(Ok(Claimed::Seated { code_set }))
}

/// Deletes the unused session that an earlier try of the same login made.
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

/// A device code is valid until it expires and while the session that made it lives. Codes made by an older
/// release name no session.
const SEAT: &str = "
    SELECT taken, return_code, replaced_at,
           CASE WHEN device_code_expires_at > now_ms() AND (device_code_by IS NULL OR EXISTS
               (SELECT FROM sessions s WHERE s.key = t.key AND s.digest = t.device_code_by))
           THEN device_code END AS device_code
    FROM seats t WHERE key = $1 AND seat = $2";

/// Whether a claim is accepted, and whether it sets a new return code.
async fn admit(tx: &mut Transaction<'_>, claim: &Claim) -> Result<Result<bool, Claimed>, Error> {
    let params = (uuid(claim.key), number(claim.seat));
    let seat = tx.query_one(SEAT, &[&params.0, &params.1]).await?;
    if !seat.try_get::<_, bool>("taken")? {
        return Ok(Ok(true));
    }
    Ok(match claim.proof {
        None => Err(Claimed::Taken {
            replaced_at: moment_if_any(&seat, "replaced_at")?,
        }),
        Some(Proof::ReturnCode(code)) if digest_if_any(&seat, "return_code")? == Some(code) => {
            Ok(false)
        }
        Some(Proof::DeviceCode(code)) if digest_if_any(&seat, "device_code")? == Some(code) => {
            clear_device_code(tx, claim.key, claim.seat).await?;
            Ok(false)
        }
        Some(Proof::Ask(digest)) if use_ask(tx, claim, digest).await? => Ok(true),
        Some(Proof::ReturnCode(digest) | Proof::DeviceCode(digest) | Proof::Ask(digest)) => {
            Err(Claimed::WrongProof {
                replaced_at: replaced_at(tx, claim, digest).await?,
            })
        }
    })
}

/// Uses an ask up. It is valid while the session that allowed it lives.
async fn use_ask(
    tx: &mut Transaction<'_>,
    claim: &Claim,
    digest: SecretDigest,
) -> Result<bool, Error> {
    let lapse = "UPDATE asks a SET expires_at = now_ms()
                 WHERE key = $1 AND digest = $2 AND seat = $3 AND allowed
                   AND expires_at + 0 > now_ms() AND (allowed_by IS NULL OR EXISTS
                       (SELECT FROM sessions s WHERE s.key = a.key AND s.digest = a.allowed_by))";
    let digest = &digest.as_bytes()[..];
    let used = tx
        .execute(lapse, &[&uuid(claim.key), &digest, &number(claim.seat)])
        .await?;
    Ok(used == 1)
}

/// When a proof for this seat stopped working because somebody else was let in.
async fn replaced_at(
    tx: &mut Transaction<'_>,
    claim: &Claim,
    digest: SecretDigest,
) -> Result<Option<Timestamp>, Error> {
    let (key, digest) = (uuid(claim.key), &digest.as_bytes()[..]);
    let found = tx.query_opt(asks::REPLACED, &[&key, &digest]).await?;
    let replaced = found.as_ref().map(asks::replaced).transpose()?;
    let replaced = replaced.filter(|replaced| replaced.seat == claim.seat);
    Ok(replaced.map(|replaced| replaced.at))
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
    let clear = "UPDATE seats SET device_code = NULL, device_code_expires_at = NULL,
                                  device_code_by = NULL
                 WHERE key = $1 AND seat = $2";
    tx.execute(clear, &[&uuid(key), &number(seat)]).await?;
    Ok(())
}
