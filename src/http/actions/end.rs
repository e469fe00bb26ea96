use actors::{
    EndChat, Refusal,
    domain::{ChatKey, SecretDigest},
};

use super::of_session;
use crate::http::State;

/// Ends a chat for both. Succeeds when it is over already.
pub async fn end_chat(state: &State, key: ChatKey, by: SecretDigest) -> Result<(), Refusal> {
    match state.pairs.ask(key, EndChat { by }).await {
        Ok(()) | Err(Refusal::Gone) => Ok(()),
        Err(refusal) => Err(of_session(refusal)),
    }
}
