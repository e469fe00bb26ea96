//! On whose behalf the store is asked, and what it lets them find.

use crate::{
    Refusal,
    domain::{BySeat, Caller, ChatKey, Marks, Seat, Seq},
};

/// On whose behalf the store acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A session's, which must be alive when the store acts.
    Session(Caller),
    /// The server's own: a pair reads what it missed, `duet end` ends a chat.
    Server(ChatKey),
}

impl By {
    /// The chat it is about.
    pub fn key(&self) -> ChatKey {
        match self {
            By::Session(caller) => caller.key,
            By::Server(key) => *key,
        }
    }
}

impl From<Caller> for By {
    fn from(caller: Caller) -> Self {
        By::Session(caller)
    }
}

/// What a caller finds. A chat that is over has no sessions, and that it is over comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<T> {
    /// There is no such chat.
    Missing,
    /// It ended or expired.
    Ended,
    /// It lives, and the caller's session does not, or never was.
    NoSession,
    /// Both live.
    Granted(T),
}

impl<T> Access<T> {
    /// The same for something made from what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Access<U> {
        match self {
            Access::Missing => Access::Missing,
            Access::Ended => Access::Ended,
            Access::NoSession => Access::NoSession,
            Access::Granted(found) => Access::Granted(make(found)),
        }
    }

    /// What was found.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Gone`] or [`Refusal::NoSession`].
    pub fn granted(self) -> Result<T, Refusal> {
        match self {
            Access::Missing => Err(Refusal::NotFound),
            Access::Ended => Err(Refusal::Gone),
            Access::NoSession => Err(Refusal::NoSession),
            Access::Granted(found) => Ok(found),
        }
    }
}

/// A chat may be there, gone, or never have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// There is no such chat.
    Missing,
    /// It ended or expired.
    Ended,
    /// It lives.
    Live(T),
}

impl<T> Lookup<T> {
    /// The same for something made from what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Lookup::Missing => Lookup::Missing,
            Lookup::Ended => Lookup::Ended,
            Lookup::Live(found) => Lookup::Live(make(found)),
        }
    }

    /// The same for a caller whose session is alive, or is not.
    pub fn if_session(self, alive: bool) -> Access<T> {
        match self {
            Lookup::Missing => Access::Missing,
            Lookup::Ended => Access::Ended,
            Lookup::Live(_) if !alive => Access::NoSession,
            Lookup::Live(found) => Access::Granted(found),
        }
    }
}

/// How far a chat is: enough to see whether what an instance holds of it is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The `seq` of its last message.
    pub last_seq: Seq,
    /// Goes up with every change of its names, seats, sessions and asks.
    pub revision: u64,
    /// What each seat has received and read.
    pub marks: BySeat<Marks>,
}

impl Position {
    /// Whether the store, which answered this, has something that a pair does not know.
    pub(crate) fn is_news(&self, asked: &Position, known: &Position) -> bool {
        let raised = |seat: Seat| {
            let (here, there) = (known.marks[seat], self.marks[seat]);
            there.delivered > here.delivered || there.read > here.read
        };
        self.last_seq > known.last_seq
            || self.was_rewound(asked)
            || self.was_revised(asked, known)
            || Seat::BOTH.into_iter().any(raised)
    }

    /// Whether the store has fewer messages than the pair knew when the store was `asked`: after a
    /// failover to a standby that lagged.
    pub(crate) fn was_rewound(&self, asked: &Position) -> bool {
        self.last_seq < asked.last_seq
    }

    /// Whether names, seats, sessions or asks are not what the pair knows: newer, or older than the
    /// pair knew when the store was `asked`, after a failover to a standby that lagged.
    pub(crate) fn was_revised(&self, asked: &Position, known: &Position) -> bool {
        self.revision > known.revision || self.revision < asked.revision
    }
}
