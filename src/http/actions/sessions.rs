use actors::{EndSession, Refusal, Sessions, domain::Session};
use uuid::Uuid;

use super::{Caller, of_session};
use crate::http::State;

/// The sessions of the caller's seat, the oldest first, and the id of the one that asks.
pub async fn sessions(state: &State, caller: &Caller) -> Result<(Vec<Session>, Uuid), Refusal> {
    let request = Sessions { by: caller.by };
    let listed = state.pairs.ask(caller.key, request).await;
    listed.map_err(of_session)
}

/// Ends one of them. One that has ended already stays so.
pub async fn end_session(state: &State, caller: &Caller, id: Uuid) -> Result<(), Refusal> {
    let request = EndSession { by: caller.by, id };
    let ended = state.pairs.ask(caller.key, request).await;
    ended.map_err(of_session)
}
