use actors::{AnswerAsk, Refusal};
use uuid::Uuid;

use super::Caller;
use crate::http::State;

/// An answer to an ask to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRequest {
    /// The public id of the ask.
    pub ask: Uuid,
    /// Whether the asker may log in.
    pub allow: bool,
}

/// Lets somebody in at the other seat, or refuses to.
pub async fn answer(state: &State, caller: &Caller, request: AnswerRequest) -> Result<(), Refusal> {
    let answer = AnswerAsk {
        by: caller.by,
        word: request.ask,
        allow: request.allow,
    };
    caller.ask(state, answer).await
}
