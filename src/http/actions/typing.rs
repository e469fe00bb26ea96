use actors::{NotifyTyping, Refusal};

use super::Caller;
use crate::http::State;

/// Tells the other person that the caller is writing.
pub async fn typing(state: &State, caller: &Caller) -> Result<(), Refusal> {
    caller.ask(state, NotifyTyping { by: caller.by }).await
}
