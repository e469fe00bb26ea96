//! Notices of other instances, and comparisons with the store.

use actix::{ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::Pair;
use crate::domain::{Notice, Position, Seat, SeatChange};

/// A notice that another instance published about this chat.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Relayed(pub(crate) Notice);

impl Handler<Relayed> for Pair {
    type Result = ();

    fn handle(&mut self, Relayed(notice): Relayed, ctx: &mut Self::Context) {
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
                    // A new return code ends the asks of its seat.
                    if pair.open_asks().len() < before {
                        pair.resend_hello();
                    }
                });
            }
            Notice::Ended { by } => self.finish(by, ctx),
            // Nothing that the pair holds depends on it.
            Notice::Activity { .. } => self.broadcast(notice),
        }
    }
}

impl Pair {
    /// Reads the chat again and then calls `then`. Blocks the mailbox, so that nothing overtakes it.
    pub(super) fn reload(
        &mut self,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self) + 'static,
    ) {
        if self.chat.is_err() {
            return;
        }
        let (store, key) = (self.store(), self.key);
        let load = async move { store.load(key).await };
        ctx.wait(load.into_actor(self).map(|found, pair: &mut Self, ctx| {
            pair.apply(found, ctx);
            then(pair);
        }));
    }
}

/// Notices may have been lost: asks the bus for presence and sends the streams a fresh hello. The rest is compared
/// with the store by [`comparing`](crate::tasks::comparing), for many chats at once.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct RefreshPresence;

impl Handler<RefreshPresence> for Pair {
    type Result = ();

    fn handle(&mut self, _: RefreshPresence, ctx: &mut Self::Context) {
        self.refresh_elsewhere(ctx, Self::resend_hello);
    }
}

/// The chat's position in the store.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct StorePosition {
    /// The pair's position when the store was asked.
    pub(crate) asked: Position,
    /// The store's position; `None` when the chat is over.
    pub(crate) position: Option<Position>,
}

impl Handler<StorePosition> for Pair {
    type Result = ();

    fn handle(&mut self, compared: StorePosition, ctx: &mut Self::Context) {
        let Some(found) = compared.position else {
            return self.finish(None, ctx);
        };
        if !found.is_ahead(&compared.asked, &self.status.position()) {
            return;
        }
        for seat in Seat::BOTH {
            self.raise_marks(seat, found.marks[seat]);
        }
        if found.was_rewound(&compared.asked) {
            return self.rewind(found.last_seq, ctx);
        }
        if found.last_seq > self.status.last_seq() {
            self.catch_up(ctx);
        }
        if found.was_revised(&compared.asked, &self.status.position()) {
            self.reload(ctx, Self::resend_hello);
        }
    }
}
