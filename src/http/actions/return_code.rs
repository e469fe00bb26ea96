use actors::{NewReturnCode, Refusal, domain::AccessCode};

use super::Caller;
use crate::http::State;

/// A new return code for the caller's seat; the old one stops working.
pub async fn new_return_code(state: &State, caller: &Caller) -> Result<AccessCode, Refusal> {
    let request = NewReturnCode {
        by: caller.by,
        hash: caller.hash.clone(),
    };
    caller.ask(state, request).await
}
