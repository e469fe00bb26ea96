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
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Result, SqliteStore,
    asks::{self, ALLOWED_STILL},
    rows::{Col, access, get_some, live_chat},
};

#[async_trait]
impl Seats for SqliteStore {
    async fn check_sessions(&self, callers: &[Caller]) -> BatchResult<Access<Seq>> {
        let (asked, callers) = (callers.len(), callers.to_vec());
        let found = self.read("check_sessions", move |connection, now| {
            let check = |caller: &Caller| {
                let found = access(connection, (*caller).into(), now)?;
                Ok(found.map(|living| living.last_seq))
            };
            callers.iter().map(check).collect()
        });
        batch_result(asked, found.await)
    }

    async fn take_seat(&self, claim: Claim) -> Result<Access<Claimed>> {
        self.write("take_seat", move |tx, now| take(tx, &claim, now))
            .await
    }

    async fn end_session(&self, by: Caller, which: SessionChoice) -> Result<Access<bool>> {
        self.write_on_full_disk("end_session", move |tx, now, _| {
            if let Err(denied) = access(tx, by.into(), now)? {
                return Ok(Err(denied));
            }
            let ended = match which {
                SessionChoice::Own => tx.execute(
                    "DELETE FROM sessions WHERE key = ?1 AND seat = ?2 AND digest = ?3",
                    params![Col(by.key), Col(by.seat), Col(by.session)],
                )?,
                SessionChoice::Id(id) => tx.execute(
                    "DELETE FROM sessions WHERE key = ?1 AND seat = ?2 AND id = ?3",
                    params![Col(by.key), Col(by.seat), Col(id)],
                )?,
            };
            Ok(Ok(ended > 0))
        })
        .await
    }

    async fn set_return_code(&self, by: Caller, code: CodeDigest) -> Result<Access<()>> {
        self.write("set_return_code", move |tx, now| {
            if let Err(denied) = access(tx, by.into(), now)? {
                return Ok(Err(denied));
            }
            tx.execute(
                "UPDATE seats SET return_code = ?3 WHERE key = ?1 AND seat = ?2",
                params![Col(by.key), Col(by.seat), Col(code)],
            )?;
            clear_device_code(tx, by.key, by.seat)?;
            asks::end_asks(tx, by.key, by.seat, now)?;
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
        self.write("set_device_code", move |tx, now| {
            if let Err(denied) = access(tx, by.into(), now)? {
                return Ok(Err(denied));
            }
            let lapses = now.plus(valid);
            tx.execute(
                "UPDATE seats SET device_code = ?3, device_code_expires_at = ?4, device_code_by = ?5
                 WHERE key = ?1 AND seat = ?2",
                params![
                    Col(by.key),
                    Col(by.seat),
                    Col(code),
                    Col(lapses),
                    Col(by.session)
                ],
            )?;
            Ok(Ok(lapses))
        })
        .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Access<()>> {
        self.write("ask", move |tx, now| asks::ask(tx, key, &ask, now))
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Access<Option<StoredAsk>>> {
        self.read("ask_state", move |connection, now| {
            if let Err(denied) = live_chat(connection, key, now)? {
                return Ok(Err(denied));
            }
            asks::ask_state(connection, key, digest, now).map(Ok)
        })
        .await
    }

    async fn answer(
        &self,
        by: Caller,
        ask_ref: AskRef,
        verdict: AskAnswer,
    ) -> Result<Access<AnswerOutcome>> {
        self.write("answer", move |tx, now| {
            asks::answer(tx, by, ask_ref, verdict, now)
        })
        .await
    }

    async fn replaced(&self, key: ChatKey, digest: SecretDigest) -> Result<Option<Replaced>> {
        self.read("replaced", move |connection, _| {
            asks::replaced(connection, key, digest)
        })
        .await
    }
}

struct SeatRow {
    taken: bool,
    return_code: Option<CodeDigest>,
    /// Whether a device code is valid: it has not expired, and the session that made it lives.
    device_code: Option<CodeDigest>,
    replaced_at: Option<Timestamp>,
}

/// Names a seat; `false` when it has a name already.
pub(super) fn name_seat(
    tx: &Transaction<'_>,
    key: ChatKey,
    seat: Seat,
    name: &UserName,
) -> rusqlite::Result<bool> {
    let named = tx.execute(
        "UPDATE seats SET name = ?3 WHERE key = ?1 AND seat = ?2 AND name IS NULL",
        params![Col(key), Col(seat), name.as_str()],
    )?;
    Ok(named == 1)
}

fn take(tx: &Transaction<'_>, claim: &Claim, now: Timestamp) -> rusqlite::Result<Access<Claimed>> {
    if let Err(denied) = live_chat(tx, claim.key, now)? {
        return Ok(Err(denied));
    }
    // A seat without a name is free, so nothing refuses the claim after this.
    if let Some(name) = &claim.new_name
        && !name_seat(tx, claim.key, claim.seat, name)?
    {
        return Ok(Ok(Claimed::NamedBefore));
    }
    let code_set = match claim_again(tx, claim)? {
        Some(code_set) => code_set,
        None => match admit(tx, claim, now)? {
            Ok(code_set) => code_set,
            Err(refused) => return Ok(Ok(refused)),
        },
    };
    if code_set {
        tx.execute(
            "UPDATE seats SET taken = 1, return_code = ?3, joined_at = coalesce(joined_at, ?4)
             WHERE key = ?1 AND seat = ?2",
            params![
                Col(claim.key),
                Col(claim.seat),
                Col(claim.return_code),
                Col(now)
            ],
        )?;
    }
    make_room(tx, claim)?;
    tx.execute(
        "INSERT INTO sessions (key, digest, id, seat, login, code_set, device, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            Col(claim.key),
            Col(claim.session.digest),
            Col(claim.session.id),
            Col(claim.seat),
            claim.session.login.map(Col),
            code_set,
            claim.session.device.label(),
            Col(now)
        ],
    )?;
    Ok(Ok(Claimed::Seated { code_set }))
}

/// Deletes the unused session that an earlier try of the same login made.
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

/// Whether a claim is accepted, and whether it sets a new return code.
fn admit(
    tx: &Transaction<'_>,
    claim: &Claim,
    now: Timestamp,
) -> rusqlite::Result<Result<bool, Claimed>> {
    let seat = tx.query_row(
        "SELECT taken, return_code, replaced_at,
                CASE WHEN device_code_expires_at > ?3 AND (device_code_by IS NULL OR EXISTS
                    (SELECT 1 FROM sessions s WHERE s.key = ?1 AND s.digest = device_code_by))
                THEN device_code END AS device_code
         FROM seats WHERE key = ?1 AND seat = ?2",
        params![Col(claim.key), Col(claim.seat), Col(now)],
        |row| {
            Ok(SeatRow {
                taken: row.get("taken")?,
                return_code: get_some(row, "return_code")?,
                device_code: get_some(row, "device_code")?,
                replaced_at: get_some(row, "replaced_at")?,
            })
        },
    )?;
    if !seat.taken {
        return Ok(Ok(true));
    }
    Ok(match claim.proof {
        None => Err(Claimed::Taken {
            replaced_at: seat.replaced_at,
        }),
        Some(Proof::ReturnCode(code)) if seat.return_code == Some(code) => Ok(false),
        Some(Proof::DeviceCode(code)) if seat.device_code == Some(code) => {
            clear_device_code(tx, claim.key, claim.seat)?;
            Ok(false)
        }
        Some(Proof::Ask(digest)) if use_ask(tx, claim, digest, now)? => Ok(true),
        Some(Proof::ReturnCode(digest) | Proof::DeviceCode(digest) | Proof::Ask(digest)) => {
            let replaced = asks::replaced(tx, claim.key, digest)?;
            let replaced = replaced.filter(|replaced| replaced.seat == claim.seat);
            Err(Claimed::WrongProof {
                replaced_at: replaced.map(|replaced| replaced.at),
            })
        }
    })
}

fn use_ask(
    tx: &Transaction<'_>,
    claim: &Claim,
    digest: SecretDigest,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    // A used ask counts as expired.
    let used = tx.execute(
        &format!(
            "UPDATE asks SET expires_at = ?4
             WHERE key = ?1 AND digest = ?2 AND seat = ?3 AND allowed = 1 AND expires_at > ?4
               AND {ALLOWED_STILL}"
        ),
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
        "UPDATE seats SET device_code = NULL, device_code_expires_at = NULL, device_code_by = NULL
         WHERE key = ?1 AND seat = ?2",
        params![Col(key), Col(seat)],
    )?;
    Ok(())
}
