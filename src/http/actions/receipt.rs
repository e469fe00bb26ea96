use actors::{MoveMarks, Refusal, domain::Marks};

use super::Caller;
use crate::http::State;

/// Raises the marks of the caller's seat; they never move back.
pub async fn move_marks(state: &State, caller: &Caller, marks: Marks) -> Result<(), Refusal> {
    let by = caller.by;
    caller.ask(state, MoveMarks { by, marks }).await
}
