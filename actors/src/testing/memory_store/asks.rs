//! Asks, and what letting somebody in ends.

use std::mem;

use super::record::{AskRecord, Record};
use crate::{
    domain::{Ask, AskRef, Caller, Seat, SecretDigest, Timestamp},
    ports::{AnswerOutcome, AskAnswer, AskState, NewAsk, Replaced, StoredAsk},
};

impl AskRecord {
    pub(super) fn is_waiting(&self, now: Timestamp) -> bool {
        self.allowed.is_none() && now < self.ask.expires_at
    }
}

impl Record {
    pub(super) fn ask(&mut self, new: NewAsk, now: Timestamp) {
        for record in &mut self.asks {
            if record.ask.seat == new.seat && record.is_waiting(now) {
                record.ask.expires_at = now;
            }
        }
        self.revision += 1;
        self.asks.push(AskRecord {
            ask: Ask {
                ask_ref: new.ask_ref,
                seat: new.seat,
                number: new.number,
                expires_at: now.plus(new.valid),
                left: new.valid,
            },
            digest: new.digest,
            allowed: None,
            allowed_by: None,
        });
    }

    pub(super) fn ask_state(&self, digest: SecretDigest, now: Timestamp) -> Option<StoredAsk> {
        let record = self.asks.iter().find(|record| record.digest == digest)?;
        let good = now < record.ask.expires_at
            && record.allowed_by.is_none_or(|session| self.lives(session));
        Some(StoredAsk {
            seat: record.ask.seat,
            number: record.ask.number,
            state: AskState::of(record.allowed, good),
        })
    }

    /// Once used it counts as lapsed.
    pub(super) fn use_ask(&mut self, seat: Seat, digest: SecretDigest, now: Timestamp) -> bool {
        let allowed = self
            .ask_state(digest, now)
            .is_some_and(|found| found.state == AskState::Allowed && found.seat == seat);
        if allowed {
            self.revision += 1;
            let mut asks = self.asks.iter_mut();
            if let Some(record) = asks.find(|record| record.digest == digest) {
                record.ask.expires_at = now;
            }
        }
        allowed
    }

    pub(super) fn answer(
        &mut self,
        by: Caller,
        ask_ref: AskRef,
        verdict: AskAnswer,
        now: Timestamp,
    ) -> AnswerOutcome {
        let is_asked = |record: &AskRecord| record.ask.ask_ref == ask_ref;
        let place = self.asks.iter().position(is_asked);
        let found = place.map(|place| &self.asks[place]);
        let found = found.map(|record| (record.ask.seat, record.is_waiting(now)));
        let outcome = verdict.outcome(by.seat, found);
        if let (Some(place), AnswerOutcome::Done(seat)) = (place, outcome) {
            self.revision += u64::from(verdict != AskAnswer::DryRun);
            match verdict {
                AskAnswer::DryRun => {}
                AskAnswer::Refuse => self.asks[place].allowed = Some(false),
                AskAnswer::Allow { valid } => {
                    self.end_asks(seat, now);
                    let record = &mut self.asks[place];
                    record.allowed = Some(true);
                    record.allowed_by = Some(by.session);
                    record.ask.expires_at = now.plus(valid);
                    self.replace(seat, now);
                }
            }
        }
        outcome
    }

    /// Ends the asks of a seat that still wait, and those that were allowed and not used.
    pub(super) fn end_asks(&mut self, seat: Seat, now: Timestamp) {
        for record in &mut self.asks {
            let open = record.allowed != Some(false) && now < record.ask.expires_at;
            if record.ask.seat == seat && open {
                record.ask.expires_at = now;
            }
        }
    }

    fn replace(&mut self, seat: Seat, now: Timestamp) {
        let (gone, kept): (Vec<_>, Vec<_>) = mem::take(&mut self.sessions)
            .into_iter()
            .partition(|record| record.session.seat == seat);
        self.sessions = kept;
        let slots = &mut self.seats[seat];
        let codes = [
            slots.return_code.take(),
            slots.device_code.take().map(|device_code| device_code.code),
        ];
        slots.state.replaced_at = Some(now);
        let secrets = gone.into_iter().map(|record| record.session.digest);
        let secrets = secrets.chain(codes.into_iter().flatten());
        let replaced = Replaced { seat, at: now };
        self.replaced
            .extend(secrets.map(|secret| (secret, replaced)));
    }

    pub(super) fn replaced(&self, digest: SecretDigest) -> Option<Replaced> {
        let mut replaced = self.replaced.iter();
        replaced
            .find(|(secret, _)| *secret == digest)
            .map(|(_, replaced)| *replaced)
    }
}
