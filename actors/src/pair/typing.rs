//! Who is writing; nothing of it is kept.

use std::time::{Duration, Instant};

use actix::{ActorFutureExt, Handler, ResponseActFuture, WrapFuture};

use super::Pair;
use crate::{
    Refusal,
    domain::{Caller, Event, SecretDigest},
    ports::Notice,
};

/// How often typing is passed on.
const TYPING_INTERVAL: Duration = Duration::from_secs(2);

/// Says that the sender is writing.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Typing {
    /// The writer's token.
    pub by: SecretDigest,
}

impl Handler<Typing> for Pair {
    type Result = ResponseActFuture<Self, Result<(), Refusal>>;

    fn handle(&mut self, typing: Typing, _: &mut Self::Context) -> Self::Result {
        let checked = self.check(typing.by);
        Box::pin(checked.into_actor(self).map(|checked, pair: &mut Self, _| {
            let (Caller { seat, .. }, _) = checked?;
            if pair.last_typing[seat].is_some_and(|last| last.elapsed() < TYPING_INTERVAL) {
                return Ok(());
            }
            pair.last_typing[seat] = Some(Instant::now());
            let bus = &pair.environment.world.bus;
            bus.publish(pair.key, Notice::Typing(seat));
            pair.broadcast(&Event::Typing {
                seat,
                user: pair.name(seat),
            });
            Ok(())
        }))
    }
}
