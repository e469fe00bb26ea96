use actors::{OpenStream, Opened, Refusal, domain::Seq};

use super::{Caller, of_session};
use crate::http::State;

/// Subscribes to a chat from a place on, and says how it stands.
pub async fn open_stream(
    state: &State,
    caller: &Caller,
    after: Option<Seq>,
) -> Result<Opened, Refusal> {
    let open = OpenStream {
        by: caller.by,
        after,
    };
    state.pairs.ask(caller.key, open).await.map_err(of_session)
}
