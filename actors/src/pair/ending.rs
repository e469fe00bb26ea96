//! The end of a chat, by either person or by its time.

use actix::{ActorContext, AsyncContext, AtomicResponse, Context, Handler};

use super::{Pair, Phase, requests::receive};
use crate::{
    Refusal,
    domain::{Event, Notice, Seat, SecretDigest},
    ports::Denied,
};

/// Ends the chat for both.
#[derive(Debug, Clone)]
pub struct EndChat {
    /// The token of the one who ends it.
    pub by: SecretDigest,
}

receive!(BLOCKING: EndChat => ());

impl Handler<EndChat> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, end: EndChat, _: &mut Self::Context) -> Self::Result {
        let caller = match self.caller(end.by) {
            Ok(caller) => caller,
            Err(refusal) => return Self::refuse(refusal),
        };
        let by = Some(caller.seat);
        let store = self.store();
        let ended = async move { store.end(caller.into()).await };
        self.block_for(ended, move |pair, ended, ctx| {
            if ended? == Err(Denied::NoSession) {
                return Err(Refusal::NoSession);
            }
            pair.publish(Notice::Ended { by });
            pair.finish(by, ctx);
            pair.environment.sweep.notify_one();
            Ok(())
        })
    }
}

impl Pair {
    /// Tells the streams, drops everything in memory, and stops.
    pub(super) fn finish(&mut self, by: Option<Seat>, ctx: &mut Context<Self>) {
        let ended = Notice::Ended { by };
        self.send_last_event(&Event::Notice(ended, self.names.clone()));
        self.early.clear();
        self.names = Default::default();
        self.present = Default::default();
        self.phase = Phase::Stopped;
        self.chat = Err(Refusal::Gone);
        self.environment.world.bus.forget(self.key);
        self.registry.remove(self.key, &ctx.address());
        ctx.stop();
    }
}
