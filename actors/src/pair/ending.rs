//! The end of a chat, by either person or by its time.

use actix::{
    ActorContext, ActorFutureExt, AsyncContext, AtomicResponse, Context, Handler, WrapFuture,
};

use super::Pair;
use crate::{
    Refusal,
    domain::{Event, Seat, SecretDigest},
    ports::Notice,
};

/// Ends the chat for both.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct EndChat {
    /// The token of the one who ends it; `None` when the operator does.
    pub by: Option<SecretDigest>,
}

impl Handler<EndChat> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, end: EndChat, _: &mut Self::Context) -> Self::Result {
        let by = match end.by.map(|by| self.who(by)).transpose() {
            Ok(who) => who.map(|(seat, _)| seat),
            Err(Refusal::Gone) => return Self::refuse(Refusal::Gone),
            Err(refusal) => return Self::refuse(refusal),
        };
        let store = self.shared.world.store.clone();
        let key = self.key;
        let ended = async move { store.end(key).await };
        AtomicResponse::new(Box::pin(ended.into_actor(self).map(
            move |ended, pair: &mut Self, ctx| {
                ended?;
                pair.shared
                    .world
                    .bus
                    .publish(pair.key, Notice::Ended { by });
                pair.finish(by, ctx);
                pair.shared.sweep.notify_one();
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
        self.chat = Err(Refusal::Gone);
        self.shared.world.bus.forget(self.key);
        self.directory.dismiss(self.key, &ctx.address());
        ctx.stop();
    }
}
