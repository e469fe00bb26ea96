//! What a door may ask of a pair, and how it gets there.

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
    Answer, AskIn, AskStateOf, Attach, DeviceCode, EndChat, EndSession, Glance, History, Login,
    Logout, Look, NameSeatTwo, NewReturnCode, OpenStream, Pair, Receipt, ReplacedBy, SeatOf,
    SendMessage, Sessions, Typing,
};
use crate::Refusal;

/// What a door may ask of a pair.
pub trait Request: Message<Result = Result<Self::Reply, Refusal>> + Clone + Send + 'static {
    /// What it answers.
    type Reply: Send + 'static;
}

impl<M, R> Request for M
where
    M: Message<Result = Result<R, Refusal>> + Clone + Send + 'static,
    R: Send + 'static,
{
    type Reply = R;
}

/// A request on its way through the registry. It is not `Clone`, and so no request itself.
pub struct Visit<M> {
    pub(crate) message: M,
    /// Set while the pair is busy with it alone: whether a panic was this request's own doing.
    pub(crate) begun: Arc<AtomicBool>,
    /// What the log says of the request, so that lines about it can be found by its id.
    pub(crate) span: Span,
}

impl<M: Request> Message for Visit<M> {
    type Result = M::Result;
}

/// What the doors may ask. (One impl each: a generic one would have to exclude itself.) Those that
/// hold the mailbox until they are answered are to blame for a panic until then; while the others
/// wait for the store, what panics is something else, and they may be asked again.
macro_rules! receive {
    (holding the mailbox: $($holding:ty),*; beside others: $($beside:ty),* $(,)?) => {
        receive!(@ true: $($holding),*);
        receive!(@ false: $($beside),*);
    };
    (@ $holds:literal: $($request:ty),*) => {$(
        impl Handler<Visit<$request>> for Pair {
            type Result = <Self as Handler<$request>>::Result;

            fn handle(&mut self, visit: Visit<$request>, ctx: &mut Self::Context) -> Self::Result {
                let _of_request = visit.span.enter();
                visit.begun.store(true, Ordering::Release);
                self.last_request = Instant::now();
                let answer = Handler::<$request>::handle(self, visit.message, ctx);
                visit.begun.store($holds, Ordering::Release);
                answer
            }
        }
    )*};
}

receive! {
    holding the mailbox: Answer, AskIn, DeviceCode, EndChat, EndSession, Login, Logout,
        NameSeatTwo, NewReturnCode, Sessions;
    beside others: AskStateOf, Attach, Glance, History, Look, OpenStream, Receipt, ReplacedBy,
        SeatOf, SendMessage, Typing,
}

/// Reads the chat from the store again: a token is not known here, and the store may know it; or
/// the instance slept. Refused when the store cannot be read.
///
/// Those who ask while the chat is being read share the next reading, however many they are: made-up
/// tokens keep nobody waiting for longer than one takes.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub(crate) struct Refresh {
    asked: Instant,
    /// What the log says of the request that it is done for.
    span: Span,
}

impl Refresh {
    /// For the request at hand.
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
        let store = self.environment.world.store.clone();
        let key = self.key;
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
