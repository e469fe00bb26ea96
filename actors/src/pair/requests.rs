//! The requests of the doors, and how they reach a pair.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use actix::{ActorFutureExt, AtomicResponse, Handler, Message, WrapFuture};
use tracing::{Instrument, Span};

use super::{
    AnswerAsk, AskToEnter, Attach, EndChat, EndSession, GetAskStatus, GetHistory, GetPublicInfo,
    GetReplacement, GetSeat, GetSnapshot, ListSessions, Login, Logout, MoveMarks, NameSeatTwo,
    NewDeviceCode, NewReturnCode, NotifyTyping, OpenStream, Pair, SendMessage,
};
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
    /// Set while the pair handles this request: whether a panic was caused by it.
    pub(crate) begun: Arc<AtomicBool>,
    /// The request's span, so that the pair's log lines have its id.
    pub(crate) span: Span,
}

impl<M: Request> Message for Dispatch<M> {
    type Result = M::Result;
}

/// Implements `Handler<Dispatch<…>>` for each request; a generic impl would overlap with itself. A request
/// that blocks the mailbox until its reply is to blame for a panic until then. While another one waits for the
/// store, a panic comes from something else, and the request is sent again.
macro_rules! receive {
    (blocking the mailbox: $($blocking:ty),*; concurrent: $($concurrent:ty),* $(,)?) => {
        receive!(@ true: $($blocking),*);
        receive!(@ false: $($concurrent),*);
    };
    (@ $blocks:literal: $($request:ty),*) => {$(
        impl Handler<Dispatch<$request>> for Pair {
            type Result = <Self as Handler<$request>>::Result;

            fn handle(&mut self, dispatch: Dispatch<$request>, ctx: &mut Self::Context) -> Self::Result {
                let _of_request = dispatch.span.enter();
                dispatch.begun.store(true, Ordering::Release);
                self.last_request = Instant::now();
                let answer = Handler::<$request>::handle(self, dispatch.message, ctx);
                dispatch.begun.store($blocks, Ordering::Release);
                answer
            }
        }
    )*};
}

receive! {
    blocking the mailbox: AnswerAsk, AskToEnter, EndChat, EndSession, ListSessions, Login, Logout,
        NameSeatTwo, NewDeviceCode, NewReturnCode;
    concurrent: Attach, GetAskStatus, GetHistory, GetPublicInfo, GetReplacement, GetSeat,
        GetSnapshot, MoveMarks, NotifyTyping, OpenStream, SendMessage,
}

/// Reads the chat from the store again, because a token is unknown here that the store may know, or because the
/// instance was suspended. Fails when the store cannot be read.
///
/// All that are sent while a read is in progress share the next one, so that requests with made-up tokens do not
/// queue up reads.
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
        let (store, key) = (self.store(), self.key);
        let load = async move { store.load(key).await }.instrument(span.clone());
        AtomicResponse::new(Box::pin(load.into_actor(self).map(
            move |found, pair: &mut Self, ctx| {
                let _of_request = span.enter();
                let read = match &found {
                    Ok(_) => {
                        pair.refreshed = Some(began);
                        Ok(())
                    }
                    Err(error) => Err(error.clone().into()),
                };
                if pair.chat.is_ok() {
                    pair.apply(found, ctx);
                }
                read
            },
        )))
    }
}
