//! Receipts: how far each seat has received and read.

use actix::{Handler, ResponseActFuture};

use super::{Pair, requests::receive};
use crate::{
    Refusal,
    domain::{Marks, Notice, Seat, SecretDigest},
    ports::DeferredWrite,
};

/// Raises the marks of the caller's seat.
#[derive(Debug, Clone)]
pub struct MoveMarks {
    /// The reader's token.
    pub by: SecretDigest,
    /// The new marks; a lower one changes nothing.
    pub marks: Marks,
}

receive!(CONCURRENT: MoveMarks => ());

impl Handler<MoveMarks> for Pair {
    type Result = ResponseActFuture<Self, Result<(), Refusal>>;

    fn handle(&mut self, request: MoveMarks, _: &mut Self::Context) -> Self::Result {
        self.in_session(request.by, move |pair, caller, last, _| {
            if let Some(field) = request.marks.beyond(last) {
                let problem = "A mark cannot lie above the chat's last message.";
                return Err(Refusal::Invalid { field, problem });
            }
            let seat = caller.seat;
            if let Some(marks) = pair.raise_marks(seat, request.marks) {
                pair.defer(DeferredWrite::Marks(seat, marks));
                pair.publish(Notice::Marks { seat, marks });
            }
            Ok(())
        })
    }
}

impl Pair {
    /// Raises a seat's marks and tells the streams; `None` if nothing changed.
    pub(super) fn raise_marks(&mut self, seat: Seat, to: Marks) -> Option<Marks> {
        self.chat.as_ref().ok()?;
        let marks = self.status.raise_marks(seat, to)?;
        self.broadcast(Notice::Marks { seat, marks });
        Some(marks)
    }
}
