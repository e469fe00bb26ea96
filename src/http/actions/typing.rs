use actors::{Refusal, Typing};

use super::{Caller, of_session};
use crate::http::State;

/// Tells the other person that the caller is writing.
pub async fn say_typing(state: &State, caller: &Caller) -> Result<(), Refusal> {
    let typing = Typing { by: caller.by };
    let told = state.pairs.ask(caller.key, typing).await;
    told.map_err(of_session)
}
