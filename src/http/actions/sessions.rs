use actors::{EndSession, ListSessions, Refusal, domain::Session};
use uuid::Uuid;

use super::Caller;
use crate::http::State;

/// The sessions of the caller's seat, the oldest first, and the id of the caller's own.
pub async fn sessions(state: &State, caller: &Caller) -> Result<(Vec<Session>, Uuid), Refusal> {
    caller.ask(state, ListSessions { by: caller.by }).await
}

/// Ends one of them. Succeeds when it has ended already.
pub async fn end_session(state: &State, caller: &Caller, id: Uuid) -> Result<(), Refusal> {
    caller.ask(state, EndSession { by: caller.by, id }).await
}
