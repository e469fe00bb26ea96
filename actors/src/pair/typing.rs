//! Typing notifications; nothing of them is stored.

use std::time::{Duration, Instant};

use actix::{ActorFutureExt, Handler, ResponseActFuture, WrapFuture};

use super::Pair;
use crate::{
    Refusal,
    domain::{Caller, Event, SecretDigest},
    ports::Notice,
};

/// Typing is passed on at most this often.
const TYPING_INTERVAL: Duration = Duration::from_secs(2);

/// Notifies the other person that the caller is typing.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct NotifyTyping {
    /// The writer's token.
    pub by: SecretDigest,
}

impl Handler<NotifyTyping> for Pair {
    type Result = ResponseActFuture<Self, Result<(), Refusal>>;

    fn handle(&mut self, request: NotifyTyping, _: &mut Self::Context) -> Self::Result {
        let checked = self.check_session(request.by);
        Box::pin(checked.into_actor(self).map(|checked, pair: &mut Self, _| {
            let (Caller { seat, .. }, _) = checked?;
            if pair.last_typing[seat].is_some_and(|last| last.elapsed() < TYPING_INTERVAL) {
                return Ok(());
            }
            pair.last_typing[seat] = Some(Instant::now());
            pair.publish(Notice::Typing(seat));
            pair.broadcast(&Event::Typing {
                seat,
                user: pair.name(seat),
            });
            Ok(())
        }))
    }
}
