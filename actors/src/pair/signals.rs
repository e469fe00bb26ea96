//! Signals: what the instance's tasks send to a pair. Their number in the mailbox is bounded.

use std::sync::Arc;

use actix::{Context, Handler, Message};

use super::{ChatEnded, MoveStreams, Pair, PairStatus, RefreshPresence, Relayed, StorePosition};
use crate::tasks::journal::Committed;

/// What a task can send to a pair.
pub(crate) enum Signal {
    StorePosition(StorePosition),
    RefreshPresence,
    /// The bus is away, so presence is unknown.
    BusAway,
    Committed(Committed),
    MoveStreams,
    ChatEnded(ChatEnded),
    Relayed(Relayed),
}

/// A signal in a pair's mailbox, counted until it is handled or dropped.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct QueuedSignal {
    signal: Signal,
    _waiting: Waiting,
}

struct Waiting(Arc<PairStatus>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.unqueue_signal();
    }
}

impl QueuedSignal {
    /// `None` when `queued_max` are queued already.
    pub(crate) fn new(signal: Signal, status: &Arc<PairStatus>, queued_max: usize) -> Option<Self> {
        status.queue_signal(queued_max).then(|| Self {
            signal,
            _waiting: Waiting(status.clone()),
        })
    }
}

impl Handler<QueuedSignal> for Pair {
    type Result = ();

    fn handle(&mut self, queued: QueuedSignal, ctx: &mut Context<Self>) {
        match queued.signal {
            Signal::StorePosition(position) => self.handle(position, ctx),
            Signal::RefreshPresence => self.handle(RefreshPresence, ctx),
            Signal::BusAway => self.resend_hello(),
            Signal::Committed(committed) => self.handle(committed, ctx),
            Signal::MoveStreams => self.handle(MoveStreams, ctx),
            Signal::ChatEnded(ended) => self.handle(ended, ctx),
            Signal::Relayed(relayed) => self.handle(relayed, ctx),
        }
    }
}
