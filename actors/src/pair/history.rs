//! What was said, page by page.

use std::sync::Arc;

use actix::{Handler, ResponseFuture};

use super::Pair;
use crate::{
    Refusal,
    domain::{Names, Page, SecretDigest},
    ports::HistoryPage,
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
        let caller = self.caller(history.by);
        let store = self.environment.world.store.clone();
        let names = self.names.clone();
        Box::pin(async move {
            let by = caller?.into();
            let found = store.history(by, history.page, history.limit).await?;
            Ok((found.granted()?, names))
        })
    }
}
