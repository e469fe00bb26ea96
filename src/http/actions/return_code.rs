use actors::{NewReturnCode, Refusal, domain::AccessCode};

use super::{Caller, of_session};
use crate::http::State;

/// A new return code for the caller's seat; the old one is dead.
pub async fn new_return_code(state: &State, caller: &Caller) -> Result<AccessCode, Refusal> {
    let request = NewReturnCode {
        by: caller.by,
        hash: caller.hash.clone(),
    };
    let code = state.pairs.ask(caller.key, request).await;
    code.map_err(of_session)
}
