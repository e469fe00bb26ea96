//! Who may sit down, and who may be let in.

use super::record::{AskRecord, Record, SessionRecord};
use crate::{
    domain::{Ask, AskWord, CodeDigest, Seat, SecretDigest, Session, Timestamp},
    ports::{Answered, AskState, Claim, Claimed, NewAsk, Proof},
};

impl Record {
    pub(super) fn take_seat(&mut self, claim: &Claim, now: Timestamp) -> Claimed {
        if let Some(code_set) = self.take_back_unused(claim) {
            return self.sit(claim, code_set, now);
        }
        if !self.seats[claim.seat].state.taken {
            return self.sit(claim, true, now);
        }
        match claim.proof {
            None => Claimed::Taken,
            Some(Proof::ReturnCode(code)) if self.seats[claim.seat].return_code == Some(code) => {
                self.sit(claim, false, now)
            }
            Some(Proof::DeviceCode(code)) if self.use_device_code(claim.seat, code, now) => {
                self.sit(claim, false, now)
            }
            Some(Proof::Ask(digest)) if self.use_ask(claim.seat, digest) => {
                self.sit(claim, true, now)
            }
            Some(_) => Claimed::WrongProof,
        }
    }

    fn sit(&mut self, claim: &Claim, code_set: bool, now: Timestamp) -> Claimed {
        self.revision += 1;
        let seat = &mut self.seats[claim.seat];
        seat.state.taken = true;
        if code_set {
            seat.return_code = Some(claim.return_code);
        }
        self.make_room(claim.seat, claim.sessions_max);
        self.sessions.push(SessionRecord {
            session: Session {
                id: claim.session.id,
                seat: claim.seat,
                digest: claim.session.digest,
                since: now,
                last_seen: None,
            },
            login: claim.session.login,
            code_set,
        });
        Claimed::Sat { code_set }
    }

    /// Takes the unused session of the same login away; answers whether it had set the code.
    fn take_back_unused(&mut self, claim: &Claim) -> Option<bool> {
        let login = claim.session.login?;
        let place = self.sessions.iter().position(|record| {
            let unused = record.session.last_seen.is_none();
            unused && record.session.seat == claim.seat && record.login == Some(login)
        })?;
        Some(self.sessions.swap_remove(place).code_set)
    }

    fn make_room(&mut self, seat: Seat, sessions_max: usize) {
        let at_seat = |record: &SessionRecord| record.session.seat == seat;
        while self
            .sessions
            .iter()
            .filter(|record| at_seat(record))
            .count()
            >= sessions_max.max(1)
        {
            let idle_since = |session: &Session| session.last_seen.unwrap_or(session.since);
            let longest_unused = (0..self.sessions.len())
                .filter(|place| at_seat(&self.sessions[*place]))
                .min_by_key(|place| idle_since(&self.sessions[*place].session))
                .expect("at least one session is at the seat");
            self.sessions.remove(longest_unused);
        }
    }

    fn use_device_code(&mut self, seat: Seat, code: CodeDigest, now: Timestamp) -> bool {
        let slot = &mut self.seats[seat].device_code;
        let right = slot.is_some_and(|(right, lapses)| right == code && now < lapses);
        if right {
            *slot = None;
        }
        right
    }

    fn use_ask(&mut self, seat: Seat, digest: SecretDigest) -> bool {
        let allowed = |record: &&mut AskRecord| {
            record.ask.seat == seat
                && record.digest == digest
                && record.allowed == Some(true)
                && !record.used
        };
        match self.asks.iter_mut().find(allowed) {
            Some(record) => {
                record.used = true;
                self.revision += 1;
                true
            }
            None => false,
        }
    }

    pub(super) fn ask(&mut self, new: NewAsk, now: Timestamp) {
        self.revision += 1;
        self.asks.push(AskRecord {
            ask: Ask {
                word: new.word,
                seat: new.seat,
                expires_at: now.plus(new.valid),
            },
            digest: new.digest,
            allowed: None,
            used: false,
        });
    }

    pub(super) fn ask_state(
        &self,
        digest: SecretDigest,
        now: Timestamp,
    ) -> Option<(Seat, AskState)> {
        let record = self.asks.iter().find(|record| record.digest == digest)?;
        let state = match record.allowed {
            _ if record.used => AskState::Expired,
            Some(true) => AskState::Allowed,
            Some(false) => AskState::Refused,
            None if record.ask.expires_at <= now => AskState::Expired,
            None => AskState::Waiting,
        };
        Some((record.ask.seat, state))
    }

    pub(super) fn answer(&mut self, word: AskWord, allow: bool, now: Timestamp) -> Answered {
        let waiting = |record: &&mut AskRecord| {
            record.ask.word == word && record.allowed.is_none() && now < record.ask.expires_at
        };
        let Some(record) = self.asks.iter_mut().find(waiting) else {
            return Answered::Over;
        };
        record.allowed = Some(allow);
        self.revision += 1;
        let seat = record.ask.seat;
        if allow {
            self.sessions.retain(|record| record.session.seat != seat);
            self.seats[seat].return_code = None;
            self.seats[seat].device_code = None;
        }
        Answered::Done(seat)
    }
}
