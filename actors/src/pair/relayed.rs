//! Notices of other instances, and comparisons with the store.

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::Pair;
use crate::domain::{Notice, Position, Seat, SeatChange};

impl Pair {
    /// Another instance published a notice about this chat.
    pub(super) fn relayed(&mut self, notice: Notice, ctx: &mut Context<Self>) {
        match notice {
            Notice::Message(message) => self.offer(message, ctx),
            Notice::Marks { seat, marks } => {
                self.raise_marks(seat, marks);
            }
            Notice::Presence {
                seat,
                online,
                last_seen,
            } => {
                self.presence_changed_elsewhere(seat, online, last_seen, ctx);
            }
            Notice::Seat { change, .. } => self.reload(ctx, move |pair| {
                pair.broadcast(notice);
                if matches!(change, SeatChange::Taken | SeatChange::Replaced) {
                    // It may have been the answer to an ask, so the list of asks has changed.
                    pair.resend_hello();
                }
            }),
            Notice::Sessions => {
                let before = self.open_asks().len();
                self.reload(ctx, move |pair| {
                    // A refusal ends an ask, and a new return code those of its seat.
                    if pair.open_asks().len() < before {
                        pair.resend_hello();
                    }
                });
            }
            Notice::Ended { by } => self.finish(by, ctx),
            // Nothing that a pair holds depends on the others.
            _ => self.broadcast(notice),
        }
    }

    /// Reads the chat again and then calls `then`. Blocks the mailbox, so that nothing overtakes it.
    pub(super) fn reload(
        &mut self,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self) + 'static,
    ) {
        if self.chat.is_err() {
            return;
        }
        let load = self.load().into_actor(self);
        ctx.wait(load.map(|found, pair: &mut Self, ctx| {
            pair.apply(found, ctx);
            then(pair);
        }));
    }

    /// The store was asked for the chat's position when the pair was at `asked`; it has none when the chat is over.
    pub(super) fn compared(
        &mut self,
        asked: Position,
        found: Option<Position>,
        ctx: &mut Context<Self>,
    ) {
        let Some(found) = found else {
            return self.finish(None, ctx);
        };
        if !found.is_ahead(&asked, &self.status.position()) {
            return;
        }
        for seat in Seat::BOTH {
            self.raise_marks(seat, found.marks[seat]);
        }
        if found.was_rewound(&asked) {
            return self.rewind(found.last_seq, ctx);
        }
        if found.last_seq > self.status.last_seq() {
            self.catch_up(ctx);
        }
        if found.was_revised(&asked, &self.status.position()) {
            self.reload(ctx, Self::resend_hello);
        }
    }
}
