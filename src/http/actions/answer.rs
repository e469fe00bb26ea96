use actors::{Answer, Refusal};
use uuid::Uuid;

use super::{Caller, of_session};
use crate::http::State;

/// An answer to somebody who asks to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The word that the ask was announced with.
    pub ask: Uuid,
    /// Whether they may log in.
    pub allow: bool,
}

/// Lets somebody in at the other seat, or does not.
pub async fn answer(state: &State, caller: &Caller, verdict: Verdict) -> Result<(), Refusal> {
    let answer = Answer {
        by: caller.by,
        word: verdict.ask,
        allow: verdict.allow,
    };
    let answered = state.pairs.ask(caller.key, answer).await;
    answered.map_err(of_session)
}
