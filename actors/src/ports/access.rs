//! On whose behalf the store acts, and the results of lookups.

use crate::{
    Refusal,
    domain::{Caller, ChatKey},
};

/// On whose behalf the store acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A session, which must be alive when the store acts.
    Session(Caller),
    /// The server itself: a pair catches up, `duet end` ends a chat.
    Server(ChatKey),
}

impl Principal {
    /// The chat it is about.
    pub fn key(&self) -> ChatKey {
        match self {
            Principal::Session(caller) => caller.key,
            Principal::Server(key) => *key,
        }
    }
}

impl From<Caller> for Principal {
    fn from(caller: Caller) -> Self {
        Principal::Session(caller)
    }
}

/// The result for a caller. That a chat is over takes precedence over a missing session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<T> {
    /// There is no such chat.
    Missing,
    /// It ended or expired.
    Ended,
    /// The chat is live, and the caller has no live session.
    NoSession,
    /// Both are live.
    Granted(T),
}

impl<T> Access<T> {
    /// Maps the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Access<U> {
        match self {
            Access::Missing => Access::Missing,
            Access::Ended => Access::Ended,
            Access::NoSession => Access::NoSession,
            Access::Granted(found) => Access::Granted(make(found)),
        }
    }

    /// The value, or the refusal for a caller.
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

/// The result of looking up a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// There is no such chat.
    Missing,
    /// It ended or expired.
    Ended,
    /// It is live.
    Live(T),
}

impl<T> Lookup<T> {
    /// Maps the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Lookup::Missing => Lookup::Missing,
            Lookup::Ended => Lookup::Ended,
            Lookup::Live(found) => Lookup::Live(make(found)),
        }
    }

    /// The value of a live chat.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Gone`].
    pub fn live(self) -> Result<T, Refusal> {
        match self {
            Lookup::Missing => Err(Refusal::NotFound),
            Lookup::Ended => Err(Refusal::Gone),
            Lookup::Live(found) => Ok(found),
        }
    }

    /// The result for a caller, whose session is `alive` or not.
    pub fn if_session(self, alive: bool) -> Access<T> {
        match self {
            Lookup::Missing => Access::Missing,
            Lookup::Ended => Access::Ended,
            Lookup::Live(_) if !alive => Access::NoSession,
            Lookup::Live(found) => Access::Granted(found),
        }
    }
}
