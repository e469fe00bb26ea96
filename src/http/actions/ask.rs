use actors::{
    AskIn, AskStanding, AskStateOf, Refusal,
    domain::{AskNumber, ChatKey, PairHash, Token},
};

use crate::http::State;

/// Asks the other person to be let in at a seat. Answers the asker's secret and the number to compare.
pub async fn ask(
    state: &State,
    hash: &PairHash,
    ask: AskIn,
) -> Result<(Token, AskNumber), Refusal> {
    state.pairs.ask(ChatKey::of(hash), ask).await
}

/// How an ask stands, and under which name.
pub async fn ask_state(state: &State, secret: &Token) -> Result<AskStanding, Refusal> {
    let request = AskStateOf {
        secret: secret.digest(),
    };
    state.pairs.ask(secret.key(), request).await
}
