//! The end of a chat, by either person or by its time.

use actix::{
    ActorContext, ActorFutureExt, AsyncContext, AtomicResponse, Context, Handler, WrapFuture,
};

use super::Pair;
use crate::{
    Refusal,
    domain::{Event, Seat, SecretDigest},
    ports::{Ending, Notice},
};

/// Ends the chat for both.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct EndChat {
    /// The token of the one who ends it.
    pub by: SecretDigest,
}

impl Handler<EndChat> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, end: EndChat, _: &mut Self::Context) -> Self::Result {
        let caller = match self.caller(end.by) {
            Ok(caller) => caller,
            Err(refusal) => return Self::refuse(refusal),
        };
        let by = Some(caller.seat);
        let store = self.environment.world.store.clone();
        let ended = async move { store.end(caller.into()).await };
        AtomicResponse::new(Box::pin(ended.into_actor(self).map(
            move |ended, pair: &mut Self, ctx| {
                if ended? == Ending::NoSession {
                    return Err(Refusal::NoSession);
                }
                pair.environment
                    .world
                    .bus
                    .publish(pair.key, Notice::Ended { by });
                pair.finish(by, ctx);
                pair.environment.sweep.notify_one();
                Ok(())
            },
        )))
    }
}

/// The chat is over: its time ran out, or another instance ended it.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Over {
    /// Who ended it.
    pub(crate) by: Option<Seat>,
}

impl Handler<Over> for Pair {
    type Result = ();

    fn handle(&mut self, over: Over, ctx: &mut Self::Context) {
        self.finish(over.by, ctx);
    }
}

impl Pair {
    /// Tells the streams, drops everything that was held, and leaves.
    pub(super) fn finish(&mut self, by: Option<Seat>, ctx: &mut Context<Self>) {
        let by = by.and_then(|seat| self.name(seat));
        self.say_goodbye(&Event::Ended { by });
        self.early.clear();
        self.names = Default::default();
        self.present = Default::default();
        self.in_service = false;
        self.chat = Err(Refusal::Gone);
        self.environment.world.bus.forget(self.key);
        self.keeper.dismiss(self.key, &ctx.address());
        ctx.stop();
    }
}
