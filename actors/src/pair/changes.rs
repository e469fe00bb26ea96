//! Requests that block the mailbox while they wait for the store: most are changes of seats and sessions.

use std::sync::Arc;

use actix::{ActorFutureExt, AtomicResponse, Context, WrapFuture};
use tracing::{Instrument, Span};

use super::Pair;
use crate::{
    Refusal,
    domain::{Caller, SecretDigest},
    ports::Store,
};

impl Pair {
    /// Blocks the mailbox until `work` is done, and calls `then`, which makes the reply.
    pub(super) fn block_for<T: 'static, R: 'static>(
        &self,
        work: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut Self, T, &mut Context<Self>) -> Result<R, Refusal> + 'static,
    ) -> AtomicResponse<Self, Result<R, Refusal>> {
        let span = Span::current();
        let work = work.instrument(span.clone()).into_actor(self);
        AtomicResponse::new(Box::pin(work.map(move |done, pair: &mut Self, ctx| {
            let _of_request = span.enter();
            then(pair, done, ctx)
        })))
    }

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
        self.block_for(work, |pair, worked: Result<_, Refusal>, ctx| {
            let (done, found) = worked?;
            pair.apply(found, ctx);
            Ok(then(pair, done))
        })
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
