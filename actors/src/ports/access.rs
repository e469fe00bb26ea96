//! On whose behalf the store acts, and why it does not.

use crate::domain::{Caller, ChatKey};

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

/// Why a chat, or a session in it, is not there for whoever asks. That a chat is over takes precedence over a missing
/// session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is no such chat.
    Missing,
    /// It ended or expired.
    Ended,
    /// The chat is live, and the caller has no live session.
    NoSession,
}

/// What there is of a live chat. Where no session is asked for, it is never [`Denied::NoSession`].
pub type Access<T> = Result<T, Denied>;
