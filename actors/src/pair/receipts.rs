//! How far each seat has received and read.

use actix::{ActorFutureExt, Handler, ResponseActFuture, WrapFuture};

use super::Pair;
use crate::{
    Refusal,
    domain::{Event, Marks, Seat, SecretDigest},
    ports::{DeferredWrite, Notice},
};

/// Moves the marks of the sender's seat.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Receipt {
    /// The reader's token.
    pub by: SecretDigest,
    /// To where.
    pub marks: Marks,
}

impl Handler<Receipt> for Pair {
    type Result = ResponseActFuture<Self, Result<(), Refusal>>;

    fn handle(&mut self, receipt: Receipt, _: &mut Self::Context) -> Self::Result {
        let Marks { delivered, read } = receipt.marks;
        let checked = self.check(receipt.by);
        Box::pin(checked.into_actor(self).map(move |checked, pair, _| {
            let (caller, last) = checked?;
            if delivered.max(read) > last {
                let field = if read > last { "read" } else { "delivered" };
                let problem = "A mark cannot lie above the chat's last message.";
                return Err(Refusal::Invalid { field, problem });
            }
            let seat = caller.seat;
            if let Some(marks) = pair.raise_marks(seat, receipt.marks) {
                pair.environment
                    .deferred
                    .push(pair.key, DeferredWrite::Marks(caller, marks));
                pair.environment
                    .world
                    .bus
                    .publish(pair.key, Notice::Marks(seat, marks));
            }
            Ok(())
        }))
    }
}

impl Pair {
    /// Raises a seat's marks and tells the streams, if that changed anything.
    pub(super) fn raise_marks(&mut self, seat: Seat, to: Marks) -> Option<Marks> {
        let marks = &mut self.chat.as_mut().ok()?.seats[seat].marks;
        let before = *marks;
        marks.raise(to);
        let now = *marks;
        if now == before {
            return None;
        }
        self.usage.marked(seat, now);
        self.broadcast(&Event::Receipt { seat, marks: now });
        Some(now)
    }
}
