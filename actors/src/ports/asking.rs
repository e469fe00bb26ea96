//! Asks, as the store records and answers them.

use std::time::Duration;

use crate::domain::{AskNumber, AskRef, Seat, SecretDigest, Timestamp};

/// An ask to be recorded.
#[derive(Debug, Clone)]
pub struct NewAsk {
    /// Its public id.
    pub ask_ref: AskRef,
    /// The digest of the asker's secret.
    pub digest: SecretDigest,
    /// The seat asked for.
    pub seat: Seat,
    /// The number that both sides see.
    pub number: AskNumber,
    /// How long it waits for an answer.
    pub valid: Duration,
}

/// An ask, as its asker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredAsk {
    /// The seat asked for.
    pub seat: Seat,
    /// The number that both sides see.
    pub number: AskNumber,
    /// Its state.
    pub state: AskState,
}

/// The state of an ask.
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

impl AskState {
    /// From the answer, if there is one. `is_good` until the ask lapses, and while the session that allowed it lives.
    pub fn of(allowed: Option<bool>, is_good: bool) -> Self {
        match allowed {
            Some(false) => Self::Refused,
            _ if !is_good => Self::Expired,
            Some(true) => Self::Allowed,
            None => Self::Waiting,
        }
    }
}

/// An answer to an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskAnswer {
    /// The asker may log in.
    Allow {
        /// For how long.
        valid: Duration,
    },
    /// The asker may not.
    Refuse,
    /// Changes nothing: the outcome is what allowing would return.
    DryRun,
}

impl AskAnswer {
    /// The outcome for somebody at seat `by`. `ask` is the seat asked for, and whether it still waits for an answer.
    pub fn outcome(self, by: Seat, ask: Option<(Seat, bool)>) -> AnswerOutcome {
        match ask {
            Some((seat, _)) if seat == by && self != AskAnswer::Refuse => AnswerOutcome::OwnSeat,
            Some((seat, true)) => AnswerOutcome::Done(seat),
            Some((_, false)) | None => AnswerOutcome::Over,
        }
    }
}

/// The outcome of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerOutcome {
    /// It was recorded, for an ask for this seat.
    Done(Seat),
    /// The ask is for the caller's own seat, where only the other person can let somebody in.
    OwnSeat,
    /// The ask was answered before, has lapsed, or does not exist.
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
