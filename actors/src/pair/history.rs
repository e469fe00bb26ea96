//! What was said, page by page.

use std::sync::Arc;

use actix::{Handler, ResponseFuture};

use super::Pair;
use crate::{
    Refusal,
    domain::{Message, Names, Page, SecretDigest},
    ports::{HistoryPage, Lookup},
};

/// The most text of one page, in bytes: a client that takes its time holds as much in memory. Any
/// message fits.
const PAGE_BYTES_MAX: usize = 64 * 1024;

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
                Lookup::Live(page) => Ok((fitting(page, history.page), names)),
                Lookup::Ended => Err(Refusal::Gone),
                Lookup::Missing => Err(Refusal::NotFound),
            }
        })
    }
}

/// As much of a page as fits, from the end that was asked for.
fn fitting(mut page: HistoryPage, part: Page) -> HistoryPage {
    let mut room = PAGE_BYTES_MAX;
    let mut fits = |message: &&Message| {
        let left = room.checked_sub(message.text.as_str().len());
        room = left.unwrap_or(0);
        left.is_some()
    };
    let length = page.messages.len();
    match part {
        Page::After(_) => {
            let count = page.messages.iter().take_while(&mut fits).count();
            page.messages.truncate(count);
        }
        Page::Before(_) | Page::Newest => {
            let count = page.messages.iter().rev().take_while(&mut fits).count();
            page.messages.drain(..length - count);
        }
    }
    page.more |= page.messages.len() < length;
    page
}
