//! Pages of the history.

use std::sync::Arc;

use actix::{Handler, ResponseFuture};

use super::{Pair, requests::receive};
use crate::{
    Refusal,
    domain::{Names, Page, SecretDigest},
    ports::HistoryPage,
};

/// Reads a page of the history.
#[derive(Debug, Clone)]
pub struct GetHistory {
    /// The reader's token.
    pub by: SecretDigest,
    /// Which page.
    pub page: Page,
    /// The most messages; there are fewer where their texts are long.
    pub limit: usize,
}

receive!(CONCURRENT: GetHistory => (HistoryPage, Arc<Names>));

impl Handler<GetHistory> for Pair {
    type Result = ResponseFuture<Result<(HistoryPage, Arc<Names>), Refusal>>;

    fn handle(&mut self, request: GetHistory, _: &mut Self::Context) -> Self::Result {
        let caller = self.caller(request.by);
        let store = self.store();
        let names = self.names.clone();
        Box::pin(async move {
            let by = caller?.into();
            let page = store.history(by, request.page, request.limit).await??;
            let mut senders = page.messages.iter().map(|message| message.seat);
            if senders.any(|seat| names[seat].is_none()) {
                let unnamed = "a message's sender has no name here";
                return Err(Refusal::Unavailable(unnamed.into()).unconfirmed());
            }
            Ok((page, names))
        })
    }
}
