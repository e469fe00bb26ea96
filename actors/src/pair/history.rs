//! What was said, page by page.

use std::sync::Arc;

use actix::{Handler, ResponseFuture};

use super::Pair;
use crate::{
    Refusal,
    domain::{Names, Page, SecretDigest},
    ports::{HistoryPage, Lookup},
};

/// Reads a page of the history.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(HistoryPage, Arc<Names>), Refusal>")]
pub struct History {
    /// The reader's token.
    pub by: SecretDigest,
    /// Which part.
    pub page: Page,
    /// How many messages at most; fewer come where their texts are long.
    pub limit: usize,
}

impl Handler<History> for Pair {
    type Result = ResponseFuture<Result<(HistoryPage, Arc<Names>), Refusal>>;

    fn handle(&mut self, history: History, _: &mut Self::Context) -> Self::Result {
        let who = self.who(history.by);
        let store = self.shared.world.store.clone();
        let (key, names) = (self.key, self.names.clone());
        Box::pin(async move {
            who?;
            match store.history(key, history.page, history.limit).await? {
                Lookup::Live(page) => Ok((page, names)),
                Lookup::Ended => Err(Refusal::Gone),
                Lookup::Missing => Err(Refusal::NotFound),
            }
        })
    }
}
