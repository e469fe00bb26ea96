//! Signals: what the instance's tasks send to a pair. Their number in the mailbox is bounded.

use actix::{Context, Handler, Message};

use super::{CountGuard, Pair};
use crate::{
    domain::{Notice, Position},
    tasks::journal::CommittedMessage,
};

/// What a task can send to a pair.
pub(crate) enum Signal {
    /// Messages of this chat are durable; in `seq` order.
    Committed(Vec<CommittedMessage>),
    /// Another instance published a notice about this chat.
    Notice(Notice),
    /// The store was asked for the chat's position.
    Compared {
        /// The pair's position when the store was asked.
        asked: Position,
        /// The store's position; `None` when the chat is over.
        found: Option<Position>,
    },
    /// Notices may have been lost: asks the bus for presence and sends the streams a fresh hello. The rest is compared
    /// with the store by [`comparing`](crate::tasks::comparing), for many chats at once.
    RefreshPresence,
    /// The bus is away, so presence is unknown.
    BusAway,
    /// The instance drains: its streams end, and clients open them again elsewhere.
    MoveStreams,
    /// The chat has expired.
    Expired,
}

/// A signal in a pair's mailbox, counted until it is handled or dropped.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct QueuedSignal(pub(crate) Signal, pub(crate) CountGuard);

impl Handler<QueuedSignal> for Pair {
    type Result = ();

    fn handle(&mut self, QueuedSignal(signal, _counted): QueuedSignal, ctx: &mut Context<Self>) {
        match signal {
            Signal::Committed(messages) => self.committed(messages, ctx),
            Signal::Notice(notice) => self.relayed(notice, ctx),
            Signal::Compared { asked, found } => self.compared(asked, found, ctx),
            Signal::RefreshPresence => self.refresh_elsewhere(ctx, Self::resend_hello),
            Signal::BusAway => self.resend_hello(),
            Signal::MoveStreams => self.move_streams(ctx),
            Signal::Expired => self.finish(None, ctx),
        }
    }
}
