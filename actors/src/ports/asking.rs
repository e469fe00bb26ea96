//! Asking to be let in, as the store is told of it and answers.

use std::time::Duration;

use crate::domain::{AskNumber, AskWord, Seat, SecretDigest, Timestamp};

/// An ask to be let in, to be recorded.
#[derive(Debug, Clone)]
pub struct NewAsk {
    /// Its public name.
    pub word: AskWord,
    /// The digest of the asker's secret.
    pub digest: SecretDigest,
    /// The seat asked for.
    pub seat: Seat,
    /// What both sides see of it.
    pub number: AskNumber,
    /// How long it waits for an answer.
    pub valid: Duration,
}

/// An ask, as its asker finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskFound {
    /// The seat asked for.
    pub seat: Seat,
    /// What both sides see of it.
    pub number: AskNumber,
    /// How it stands.
    pub state: AskState,
}

/// How an ask stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskState {
    /// Nobody has answered.
    Waiting,
    /// Its asker may log in.
    Allowed,
    /// Its asker may not.
    Refused,
    /// Nobody answered in time, a newer one took its place, or it was used.
    Expired,
}

/// What is answered to an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The asker may log in.
    Allow {
        /// For how long.
        valid: Duration,
    },
    /// The asker may not.
    Refuse,
    /// Nothing: the answer says what allowing it would come to, and nothing changes.
    Weigh,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It was the first.
    Done(Seat),
    /// The caller's own seat is asked for, and nobody lets somebody in at their own seat.
    OwnSeat,
    /// The ask was answered before, has lapsed, or never was.
    Over,
}

/// Somebody else was let in at a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// Which seat.
    pub seat: Seat,
    /// When.
    pub at: Timestamp,
}
