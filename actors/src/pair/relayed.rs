//! What other instances and the store have that this pair does not.

use actix::{ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::Pair;
use crate::{
    domain::{Event, Seat, SeatChange},
    ports::{Notice, Position},
};

/// What another instance published about this chat.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Relayed(pub(crate) Notice);

impl Handler<Relayed> for Pair {
    type Result = ();

    fn handle(&mut self, Relayed(notice): Relayed, ctx: &mut Self::Context) {
        match notice {
            Notice::Message(message) => self.offer(message, ctx),
            Notice::Typing(seat) => self.broadcast(&Event::Typing {
                seat,
                user: self.name(seat),
            }),
            Notice::Marks(seat, marks) => {
                self.raise_marks(seat, marks);
            }
            Notice::Presence {
                seat,
                online,
                last_seen,
            } => {
                self.seen_elsewhere(seat, online, last_seen, ctx);
            }
            Notice::Seat(seat, change) => self.read_again(ctx, move |pair| {
                let user = pair.name(seat);
                pair.broadcast(&Event::Seat { seat, user, change });
                if matches!(change, SeatChange::Taken | SeatChange::Replaced) {
                    // It may have been an answer: says who still waits, and so who does not.
                    pair.greet_again();
                }
            }),
            Notice::Sessions => {
                let before = self.open_asks().len();
                self.read_again(ctx, move |pair| {
                    // A new return code ends the asks of its seat.
                    if pair.open_asks().len() < before {
                        pair.greet_again();
                    }
                });
            }
            Notice::Ended { by } => self.finish(by, ctx),
        }
    }
}

impl Pair {
    /// Reads the chat again and then tells; holds the mailbox, so that nothing overtakes it.
    pub(super) fn read_again(
        &mut self,
        ctx: &mut Context<Self>,
        tell: impl FnOnce(&mut Self) + 'static,
    ) {
        if self.chat.is_err() {
            return;
        }
        let store = self.environment.world.store.clone();
        let key = self.key;
        let load = async move { store.load(key).await };
        ctx.wait(load.into_actor(self).map(|found, pair: &mut Self, ctx| {
            pair.apply(found, ctx);
            tell(pair);
        }));
    }
}

/// Notices may have been lost. What the store knows is compared elsewhere, for many chats at once; who
/// is there is asked for here, and the streams get a fresh hello.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct CatchUp;

impl Handler<CatchUp> for Pair {
    type Result = ();

    fn handle(&mut self, _: CatchUp, ctx: &mut Self::Context) {
        self.ask_elsewhere(ctx, Self::greet_again);
    }
}

/// How far the store says the chat is; `None` when it is over.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Audited {
    /// How far the pair was when the store was asked.
    pub(crate) asked: Position,
    pub(crate) position: Option<Position>,
}

impl Handler<Audited> for Pair {
    type Result = ();

    fn handle(&mut self, audited: Audited, ctx: &mut Self::Context) {
        let Some(found) = audited.position else {
            return self.finish(None, ctx);
        };
        if !found.is_news(&audited.asked, &self.usage.known()) {
            return;
        }
        for seat in Seat::BOTH {
            self.raise_marks(seat, found.marks[seat]);
        }
        if found.was_rewound(&audited.asked) {
            return self.rewind(found.last_seq, ctx);
        }
        if found.last_seq > self.usage.position() {
            self.catch_up(ctx);
        }
        if found.was_revised(&audited.asked, &self.usage.known()) {
            self.read_again(ctx, Self::greet_again);
        }
    }
}
