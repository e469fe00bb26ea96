//! Sessions, logins, codes and asks.

use std::{cmp::Reverse, time::Duration};

use async_trait::async_trait;

use super::{
    Call, MemoryStore,
    record::{DeviceCode, Record, SessionRecord},
};
use crate::{
    domain::{
        AskRef, Caller, ChatKey, CodeDigest, Seat, SecretDigest, Seq, Session, Timestamp, UserName,
    },
    ports::{
        Access, AnswerOutcome, AskAnswer, BatchResult, Claim, Claimed, NewAsk, Proof, Replaced,
        Seats, SessionChoice, StoreError, StoredAsk, batch_result,
    },
};

#[async_trait]
impl Seats for MemoryStore {
    async fn check_sessions(&self, callers: &[Caller]) -> BatchResult<Access<Seq>> {
        let entered = self.enter(Call::CheckSessions).await;
        let found = entered.map(|(mut data, now)| {
            let check = |caller: &Caller| {
                let found = data.access((*caller).into(), now);
                found.map(|record| record.last_seq())
            };
            callers.iter().map(check).collect()
        });
        batch_result(callers.len(), found)
    }

    async fn take_seat(&self, claim: Claim) -> Result<Access<Claimed>, StoreError> {
        self.with_chat(Call::TakeSeat, claim.key, |record, now| {
            record.take_seat(&claim, now)
        })
        .await
    }

    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError> {
        self.with_access(Call::Other, by, |record, _| record.end_session(by, which))
            .await
    }

    async fn set_return_code(
        &self,
        by: Caller,
        code: CodeDigest,
    ) -> Result<Access<()>, StoreError> {
        self.with_access(Call::Other, by, |record, now| {
            record.set_return_code(by.seat, code, now)
        })
        .await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError> {
        self.with_access(Call::Other, by, |record, now| {
            let lapses = now.plus(valid);
            record.seats[by.seat].device_code = Some(DeviceCode {
                code,
                lapses,
                made_by: by.session,
            });
            lapses
        })
        .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Access<()>, StoreError> {
        self.with_chat(Call::Other, key, |record, now| record.ask(ask, now))
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Access<Option<StoredAsk>>, StoreError> {
        self.with_chat(Call::Other, key, |record, now| {
            record.ask_state(digest, now)
        })
        .await
    }

    async fn answer(
        &self,
        by: Caller,
        ask_ref: AskRef,
        verdict: AskAnswer,
    ) -> Result<Access<AnswerOutcome>, StoreError> {
        self.with_access(Call::Other, by, |record, now| {
            record.answer(by, ask_ref, verdict, now)
        })
        .await
    }

    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError> {
        let (mut data, now) = self.enter(Call::Other).await?;
        Ok(data
            .live(key, now)
            .and_then(|record| record.replaced(digest)))
    }
}

impl Record {
    /// Names a seat; `false` when it has a name already.
    pub(super) fn name(&mut self, seat: Seat, name: &UserName) -> bool {
        let slot = &mut self.seats[seat].state.name;
        let free = slot.is_none();
        slot.get_or_insert_with(|| name.clone());
        self.revision += u64::from(free);
        free
    }

    pub(super) fn take_seat(&mut self, claim: &Claim, now: Timestamp) -> Claimed {
        if let Some(name) = &claim.new_name
            && !self.name(claim.seat, name)
        {
            return Claimed::NamedBefore;
        }
        if let Some(code_set) = self.take_back_unused(claim) {
            return self.sit(claim, code_set, now);
        }
        if !self.seats[claim.seat].state.taken {
            return self.sit(claim, true, now);
        }
        let replaced_at = self.seats[claim.seat].state.replaced_at;
        match claim.proof {
            None => Claimed::Taken { replaced_at },
            Some(Proof::ReturnCode(code)) if self.seats[claim.seat].return_code == Some(code) => {
                self.sit(claim, false, now)
            }
            Some(Proof::DeviceCode(code)) if self.use_device_code(claim.seat, code, now) => {
                self.sit(claim, false, now)
            }
            Some(Proof::Ask(digest)) if self.use_ask(claim.seat, digest, now) => {
                self.sit(claim, true, now)
            }
            Some(Proof::ReturnCode(digest) | Proof::DeviceCode(digest) | Proof::Ask(digest)) => {
                let replaced = self.replaced(digest);
                let replaced = replaced.filter(|replaced| replaced.seat == claim.seat);
                Claimed::WrongProof {
                    replaced_at: replaced.map(|replaced| replaced.at),
                }
            }
        }
    }

    fn sit(&mut self, claim: &Claim, code_set: bool, now: Timestamp) -> Claimed {
        self.revision += 1;
        let seat = &mut self.seats[claim.seat];
        seat.state.taken = true;
        seat.state.joined_at.get_or_insert(now);
        if code_set {
            seat.return_code = Some(claim.return_code);
        }
        self.make_room(claim.seat, claim.sessions_max);
        self.sessions.push(SessionRecord {
            session: Session {
                id: claim.session.id,
                seat: claim.seat,
                digest: claim.session.digest,
                device: claim.session.device,
                since: now,
                last_seen: None,
            },
            login: claim.session.login,
            code_set,
        });
        Claimed::Seated { code_set }
    }

    /// Removes the unused session of the same login; returns whether it had set the return code.
    fn take_back_unused(&mut self, claim: &Claim) -> Option<bool> {
        let login = claim.session.login?;
        let place = self.sessions.iter().position(|record| {
            let unused = record.session.last_seen.is_none();
            unused && record.session.seat == claim.seat && record.login == Some(login)
        })?;
        Some(self.sessions.swap_remove(place).code_set)
    }

    fn make_room(&mut self, seat: Seat, sessions_max: usize) {
        let idle_since = |session: &Session| session.last_seen.unwrap_or(session.since);
        self.sessions
            .sort_by_key(|record| Reverse(idle_since(&record.session)));
        let mut at_seat = 0;
        self.sessions.retain(|record| {
            at_seat += usize::from(record.session.seat == seat);
            record.session.seat != seat || at_seat < sessions_max
        });
    }

    fn use_device_code(&mut self, seat: Seat, code: CodeDigest, now: Timestamp) -> bool {
        let right = self.seats[seat].device_code.is_some_and(|device_code| {
            device_code.code == code && now < device_code.lapses && self.lives(device_code.made_by)
        });
        if right {
            self.seats[seat].device_code = None;
        }
        right
    }

    /// Whether a session lives. The codes and permissions that it gave end with it.
    pub(super) fn lives(&self, session: SecretDigest) -> bool {
        self.sessions
            .iter()
            .any(|record| record.session.digest == session)
    }

    pub(super) fn end_session(&mut self, by: Caller, which: SessionChoice) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|SessionRecord { session, .. }| {
            let chosen = match which {
                SessionChoice::Own => session.digest == by.session,
                SessionChoice::Id(id) => session.id == id,
            };
            session.seat != by.seat || !chosen
        });
        let ended = self.sessions.len() < before;
        self.revision += u64::from(ended);
        ended
    }

    pub(super) fn set_return_code(&mut self, seat: Seat, code: CodeDigest, now: Timestamp) {
        self.seats[seat].return_code = Some(code);
        self.seats[seat].device_code = None;
        self.revision += 1;
        self.end_asks(seat, now);
    }
}
