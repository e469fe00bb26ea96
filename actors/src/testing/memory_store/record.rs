use std::{collections::HashMap, convert::Infallible};

use crate::{
    domain::{
        Ask, BySeat, Caller, Chat, ChatKey, ClientId, CodeDigest, Draft, Encryption, Message, Page,
        SealedHash, Seat, SeatState, SecretDigest, Seq, Session, Timestamp,
    },
    ports::{Appended, ChatRoom, DeferredWrite, HistoryPage, NewChat, Position, Replaced},
};

/// One chat, or what is left of it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) expires_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) registration: Option<(SecretDigest, SealedHash)>,
    pub(super) encryption: Option<Encryption>,
    pub(super) messages: Vec<Message>,
    places: HashMap<(Seat, ClientId), Seq>,
    pub(super) seats: BySeat<SeatRecord>,
    pub(super) sessions: Vec<SessionRecord>,
    pub(super) asks: Vec<AskRecord>,
    /// Of the texts.
    bytes: u64,
    /// To be raised with every change of names, seats, sessions and asks.
    pub(super) revision: u64,
    /// Whether the registration named both people.
    pub(super) both_named: bool,
    /// What stopped working when somebody else was let in.
    pub(super) replaced: Vec<(SecretDigest, Replaced)>,
}

#[derive(Debug, Default)]
pub(super) struct SeatRecord {
    pub(super) state: SeatState,
    pub(super) return_code: Option<CodeDigest>,
    pub(super) device_code: Option<DeviceCode>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct DeviceCode {
    pub(super) code: CodeDigest,
    pub(super) lapses: Timestamp,
    /// The session that it dies with.
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
    /// The session that allowed it, and that this dies with.
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
            ended_at: None,
            registration: new.registration,
            encryption: new.encryption,
            messages: Vec::new(),
            places: HashMap::new(),
            seats,
            sessions: Vec::new(),
            asks: Vec::new(),
            bytes: 0,
            revision: 0,
            both_named,
            replaced: Vec::new(),
        }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.ended_at.is_some() || self.expires_at <= now
    }

    /// Drops everything but the messages, which go in slices, and the tombstone.
    pub(super) fn end(&mut self, now: Timestamp) {
        self.ended_at = Some(now);
        self.registration = None;
        self.encryption = None;
        self.places.clear();
        self.seats = BySeat::default();
        self.sessions.clear();
        self.asks.clear();
        self.replaced.clear();
    }

    pub(super) fn last_seq(&self) -> Seq {
        self.messages.len() as Seq
    }

    pub(super) fn position(&self) -> Position {
        Position {
            last_seq: self.last_seq(),
            revision: self.revision,
            marks: BySeat(Seat::BOTH.map(|seat| self.seats[seat].state.marks)),
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
            last_seq: self.last_seq(),
            revision: self.revision,
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

    pub(super) fn append(&mut self, draft: &Draft, room: ChatRoom, now: Timestamp) -> Appended {
        if !self.has_session(&draft.caller()) {
            return Appended::NoSession;
        }
        let full = self.last_seq() >= room.messages_max || self.bytes >= room.bytes_max;
        if let Some(&seq) = self.places.get(&(draft.seat, draft.id)) {
            let before = &self.messages[seq as usize - 1];
            return match before.text == draft.text {
                true => Appended::Before { seq, at: before.at },
                false if full => Appended::Full,
                false => Appended::OtherText,
            };
        }
        if full {
            return Appended::Full;
        }
        self.bytes += draft.text.as_str().len() as u64;
        let seq = self.last_seq() + 1;
        self.places.insert((draft.seat, draft.id), seq);
        self.messages.push(draft.placed(seq, now));
        Appended::Stored { seq, at: now }
    }

    pub(super) fn lose_messages_after(&mut self, last: Seq) {
        self.messages.retain(|message| message.seq <= last);
        self.places.retain(|_, seq| *seq <= last);
    }

    pub(super) fn history(&self, page: Page, limit: usize) -> HistoryPage {
        let place = |seq: Seq| (seq as usize).min(self.messages.len());
        let ahead_of = |to: usize| self.messages[..to].iter().rev();
        let read: Box<dyn Iterator<Item = &Message>> = match page {
            Page::After(seq) => Box::new(self.messages[place(seq)..].iter()),
            Page::Before(seq) => Box::new(ahead_of(place(seq.saturating_sub(1)))),
            Page::Newest => Box::new(ahead_of(self.messages.len())),
        };
        let read = read.cloned().map(Ok::<_, Infallible>);
        HistoryPage::read(page, limit, read).unwrap_or_else(|never| match never {})
    }

    pub(super) fn write_deferred(&mut self, write: &DeferredWrite) {
        match *write {
            DeferredWrite::Marks(by, marks) if self.has_session(&by) => {
                self.seats[by.seat].state.marks.raise(marks);
            }
            DeferredWrite::Marks(..) => {}
            DeferredWrite::LastSeen(seat, at) => {
                let seen = &mut self.seats[seat].state.last_seen;
                *seen = (*seen).max(Some(at));
            }
            DeferredWrite::Used(id, at) => {
                let mut sessions = self.sessions.iter_mut().map(|record| &mut record.session);
                if let Some(session) = sessions.find(|session| session.id == id) {
                    session.last_seen = session.last_seen.max(Some(at));
                }
            }
        }
    }
}
