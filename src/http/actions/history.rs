use std::sync::Arc;

use actors::{
    History, Refusal,
    domain::{Names, Page},
    ports::HistoryPage,
};

use super::{Caller, of_session};
use crate::http::State;

/// A page of the history with at most `limit` messages, and the names of the two.
pub async fn history(
    state: &State,
    caller: &Caller,
    page: Page,
    limit: usize,
) -> Result<(HistoryPage, Arc<Names>), Refusal> {
    let history = History {
        by: caller.by,
        page,
        limit,
    };
    let read = state.pairs.ask(caller.key, history).await;
    read.map_err(of_session)
}
