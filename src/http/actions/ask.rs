use actors::{
    AskStatus, AskToEnter, GetAskStatus, Refusal,
    domain::{AskNumber, ChatKey, PairHash, Token},
};

use crate::http::State;

/// Asks the other person to be let in at a seat. Returns the asker's secret and the number to compare.
pub async fn ask(
    state: &State,
    hash: &PairHash,
    ask: AskToEnter,
) -> Result<(Token, AskNumber), Refusal> {
    state.pairs.ask(ChatKey::of(hash), ask).await
}

/// The state of an ask, and the name of its seat.
pub async fn ask_status(state: &State, secret: &Token) -> Result<AskStatus, Refusal> {
    let request = GetAskStatus {
        secret: secret.digest(),
    };
    state.pairs.ask(secret.key(), request).await
}
