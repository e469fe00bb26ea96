use std::{collections::HashMap, mem};

use crate::{
    domain::{
        Ask, BySeat, Caller, Chat, ChatKey, ClientId, CodeDigest, Encryption, Marks, Message,
        Position, SealedHash, Seat, SeatState, SecretDigest, Seq, Session, Timestamp,
    },
    ports::{NewChat, Replaced},
};

/// One chat, or what is left of it.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) expires_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) registration: Option<(SecretDigest, SealedHash)>,
    pub(super) encryption: Option<Encryption>,
    pub(super) messages: Vec<Message>,
    pub(super) seqs: HashMap<(Seat, ClientId), Seq>,
    pub(super) seats: BySeat<SeatRecord>,
    pub(super) sessions: Vec<SessionRecord>,
    pub(super) asks: Vec<AskRecord>,
    /// The bytes of all texts.
    pub(super) bytes: u64,
    /// Incremented with every change of names, seats, sessions and asks.
    pub(super) revision: u64,
    /// Whether the registration contained both names.
    pub(super) both_named: bool,
    /// The credentials that stopped working when somebody else was let in.
    pub(super) replaced: Vec<(SecretDigest, Replaced)>,
}

#[derive(Debug, Default)]
pub(super) struct SeatRecord {
    pub(super) state: SeatState,
    pub(super) marks: Marks,
    pub(super) return_code: Option<CodeDigest>,
    pub(super) device_code: Option<DeviceCode>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct DeviceCode {
    pub(super) code: CodeDigest,
    pub(super) lapses: Timestamp,
    /// The session that made it, and ends it when it ends.
    pub(super) made_by: SecretDigest,
}

#[derive(Debug)]
pub(super) struct SessionRecord {
    pub(super) session: Session,
    pub(super) login: Option<SecretDigest>,
    /// Whether this login set the seat's return code.
    pub(super) code_set: bool,
}

#[derive(Debug)]
pub(super) struct AskRecord {
    pub(super) ask: Ask,
    pub(super) digest: SecretDigest,
    pub(super) allowed: Option<bool>,
    /// The session that allowed it, and ends it when it ends.
    pub(super) allowed_by: Option<SecretDigest>,
}

impl Record {
    pub(super) fn new(new: NewChat, now: Timestamp) -> Self {
        let mut seats = BySeat::<SeatRecord>::default();
        let both_named = new.name_two.is_some();
        seats[Seat::One].state.name = Some(new.name_one);
        seats[Seat::Two].state.name = new.name_two;
        Self {
            expires_at: now.plus(new.lifetime.duration()),
            registration: new.registration,
            encryption: new.encryption,
            seats,
            both_named,
            ..Self::default()
        }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.ended_at.is_some() || self.expires_at <= now
    }

    /// Drops everything but the messages, which go in slices, and the tombstone.
    pub(super) fn end(&mut self, now: Timestamp) {
        *self = Self {
            ended_at: Some(now),
            messages: mem::take(&mut self.messages),
            ..Self::default()
        };
    }

    pub(super) fn last_seq(&self) -> Seq {
        self.messages.len() as Seq
    }

    pub(super) fn position(&self) -> Position {
        Position {
            last_seq: self.last_seq(),
            revision: self.revision,
            marks: BySeat(Seat::BOTH.map(|seat| self.seats[seat].marks)),
        }
    }

    pub(super) fn has_session(&self, caller: &Caller) -> bool {
        self.sessions.iter().any(|SessionRecord { session, .. }| {
            session.seat == caller.seat && session.digest == caller.session
        })
    }

    pub(super) fn chat(&self, key: ChatKey, now: Timestamp) -> Chat {
        let waiting = self.asks.iter().filter(|record| record.is_waiting(now));
        Chat {
            key,
            expires_at: self.expires_at,
            position: self.position(),
            encryption: self.encryption,
            seats: BySeat(Seat::BOTH.map(|seat| self.seats[seat].state.clone())),
            sessions: self
                .sessions
                .iter()
                .map(|record| record.session.clone())
                .collect(),
            asks: waiting
                .map(|record| Ask {
                    left: record.ask.expires_at.since(now),
                    ..record.ask.clone()
                })
                .collect(),
        }
    }
}
