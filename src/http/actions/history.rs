use std::sync::Arc;

use actors::{
    GetHistory, Refusal,
    domain::{Names, Page},
    ports::HistoryPage,
};

use super::Caller;
use crate::http::State;

/// A page of the history with at most `limit` messages, and both names.
pub async fn history(
    state: &State,
    caller: &Caller,
    page: Page,
    limit: usize,
) -> Result<(HistoryPage, Arc<Names>), Refusal> {
    let request = GetHistory {
        by: caller.by,
        page,
        limit,
    };
    caller.ask(state, request).await
}
