//! Changes of seats and sessions, which block the mailbox until the store has made them.

use std::sync::Arc;

use actix::{ActorFutureExt, AtomicResponse, WrapFuture};
use tracing::{Instrument, Span};

use super::Pair;
use crate::{
    Refusal,
    domain::{Caller, SecretDigest},
    ports::Store,
};

impl Pair {
    /// Runs a change in the store, reads the chat again, and calls `then`, which announces the change and makes
    /// the reply. Blocks the mailbox.
    pub(super) fn change<T: 'static, R: 'static>(
        &self,
        change: impl Future<Output = Result<T, Refusal>> + 'static,
        then: impl FnOnce(&mut Self, T) -> R + 'static,
    ) -> AtomicResponse<Self, Result<R, Refusal>> {
        let store = self.store();
        let key = self.key;
        let work = async move {
            let done = change.await?;
            Ok((done, store.load(key).await))
        };
        let span = Span::current();
        let work = work.instrument(span.clone());
        AtomicResponse::new(Box::pin(work.into_actor(self).map(
            move |worked: Result<_, Refusal>, pair: &mut Self, ctx| {
                let _of_request = span.enter();
                let (done, found) = worked?;
                pair.apply(found, ctx);
                Ok(then(pair, done))
            },
        )))
    }

    /// The same on behalf of a session.
    pub(super) fn change_as<T: 'static, R: 'static, F>(
        &mut self,
        by: SecretDigest,
        change: impl FnOnce(Arc<dyn Store>, Caller) -> F,
        then: impl FnOnce(&mut Self, T) -> R + 'static,
    ) -> AtomicResponse<Self, Result<R, Refusal>>
    where
        F: Future<Output = Result<T, Refusal>> + 'static,
    {
        match self.caller(by) {
            Ok(caller) => self.change(change(self.store(), caller), then),
            Err(refusal) => Self::refuse(refusal),
        }
    }

    pub(super) fn refuse<T: 'static>(refusal: Refusal) -> AtomicResponse<Self, Result<T, Refusal>> {
        AtomicResponse::new(Box::pin(actix::fut::ready(Err(refusal))))
    }
}
