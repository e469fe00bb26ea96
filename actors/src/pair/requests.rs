//! The requests of the HTTP layer, and how they reach a pair.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use actix::{AtomicResponse, Handler, Message};
use tracing::Span;

use super::Pair;
use crate::Refusal;

/// A request to a pair.
pub trait Request: Message<Result = Result<Self::Reply, Refusal>> + Clone + Send + 'static {
    /// The reply to it.
    type Reply: Send + 'static;
}

impl<M, R> Request for M
where
    M: Message<Result = Result<R, Refusal>> + Clone + Send + 'static,
    R: Send + 'static,
{
    type Reply = R;
}

/// A request on its way from the registry to a pair. Not `Clone`, so that it is not a [`Request`] itself.
pub struct Dispatch<M> {
    pub(crate) message: M,
    /// Whether the pair refused it before by a copy of the chat that it has read again since.
    pub(crate) again: bool,
    /// Set while the pair handles this request: whether a panic was caused by it.
    pub(crate) begun: Arc<AtomicBool>,
    /// The request's span, so that the pair's log lines have its id.
    pub(crate) span: Span,
}

impl<M: Request> Message for Dispatch<M> {
    type Result = M::Result;
}

/// A request that blocks the mailbox until its reply: a panic until then is its fault.
pub(super) const BLOCKING: bool = true;
/// A request that lets others be handled while it waits for the store: a panic meanwhile comes from something else,
/// and the request is sent again.
pub(super) const CONCURRENT: bool = false;

/// Makes a type a request with this reply, and implements `Handler<Dispatch<…>>` for it, [`BLOCKING`] or [`CONCURRENT`]; a
/// generic impl would overlap with itself.
macro_rules! receive {
    ($mode:ident: $request:ty => $reply:ty) => {
        impl ::actix::Message for $request {
            type Result = Result<$reply, $crate::Refusal>;
        }

        impl ::actix::Handler<$crate::pair::Dispatch<$request>> for $crate::pair::Pair {
            type Result = <Self as ::actix::Handler<$request>>::Result;

            fn handle(
                &mut self,
                dispatch: $crate::pair::Dispatch<$request>,
                ctx: &mut Self::Context,
            ) -> Self::Result {
                let _of_request = dispatch.span.enter();
                self.begin_request(&dispatch.begun, dispatch.again);
                let answer = ::actix::Handler::<$request>::handle(self, dispatch.message, ctx);
                let is_to_blame = $crate::pair::requests::$mode;
                dispatch
                    .begun
                    .store(is_to_blame, ::std::sync::atomic::Ordering::Release);
                answer
            }
        }
    };
}
pub(super) use receive;

impl Pair {
    pub(super) fn begin_request(&mut self, begun: &AtomicBool, again: bool) {
        begun.store(true, Ordering::Release);
        self.asked_again = again;
        self.last_request = Instant::now();
    }
}

/// Reads the chat from the store again, to confirm a refusal, or because the instance was suspended. Fails when the
/// store cannot be read.
///
/// All that are sent while a read is in progress share the next one, so that requests with made-up tokens and names do
/// not queue up reads.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub(crate) struct Refresh {
    asked: Instant,
    /// The span of the request that needs it.
    span: Span,
}

impl Refresh {
    /// For the current request.
    pub(crate) fn now() -> Self {
        Self {
            asked: Instant::now(),
            span: Span::current(),
        }
    }
}

impl Handler<Refresh> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, refresh: Refresh, _: &mut Self::Context) -> Self::Result {
        let Refresh { asked, span } = refresh;
        if self.refreshed.is_some_and(|began| began > asked) {
            return AtomicResponse::new(Box::pin(actix::fut::ready(Ok(()))));
        }
        let began = Instant::now();
        let _of_request = span.enter();
        self.block_for(self.load(), move |pair, found, ctx| {
            // A failure leaves the streams alone: nothing is known to have changed, and tokens may be made up.
            let found = found.inspect_err(|failure| pair.log_read_failure(failure))?;
            pair.refreshed = Some(began);
            if pair.chat.is_ok() {
                pair.apply(Ok(found), ctx);
            }
            Ok(())
        })
    }
}
