use actors::{
    Logout, Refusal,
    domain::{ChatKey, SecretDigest},
};

use super::of_session;
use crate::http::State;

/// Ends the session of a token. Succeeds when it has ended already.
pub async fn log_out(state: &State, key: ChatKey, by: SecretDigest) -> Result<(), Refusal> {
    match state.pairs.ask(key, Logout { by }).await {
        Ok(()) | Err(Refusal::NoSession) => Ok(()),
        Err(refusal) => Err(of_session(refusal)),
    }
}
