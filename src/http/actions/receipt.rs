use actors::{Receipt, Refusal, domain::Marks};

use super::{Caller, of_session};
use crate::http::State;

/// Moves the marks of the caller's seat; they never move back.
pub async fn move_marks(state: &State, caller: &Caller, marks: Marks) -> Result<(), Refusal> {
    let receipt = Receipt {
        by: caller.by,
        marks,
    };
    let moved = state.pairs.ask(caller.key, receipt).await;
    moved.map_err(of_session)
}
