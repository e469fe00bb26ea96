use actors::{OpenStream, Refusal, Snapshot, domain::Seq};

use super::Caller;
use crate::http::State;

/// Opens a stream that goes on after a `seq`; without one it starts at the present.
pub async fn open_stream(
    state: &State,
    caller: &Caller,
    after: Option<Seq>,
) -> Result<Snapshot, Refusal> {
    let by = caller.by;
    caller.ask(state, OpenStream { by, after }).await
}
