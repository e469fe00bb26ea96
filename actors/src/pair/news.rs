//! What the tasks of an instance send to a pair, in a queue of bounded length.

use std::sync::Arc;

use actix::{Context, Handler, Message};

use super::{Audited, CatchUp, MoveStreams, Over, Pair, Relayed, Usage};
use crate::tasks::journal::Committed;

/// Sent by the tasks.
pub(crate) enum News {
    Audited(Audited),
    CatchUp,
    /// Nobody can say any more who is there.
    BusAway,
    Committed(Committed),
    MoveStreams,
    Over(Over),
    Relayed(Relayed),
}

/// News on their way to a pair, counted until they are handled or dropped.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct QueuedNews {
    news: News,
    _waiting: Waiting,
}

struct Waiting(Arc<Usage>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.unqueue_news();
    }
}

impl QueuedNews {
    /// `None` where `queued_max` wait already.
    pub(crate) fn new(news: News, usage: &Arc<Usage>, queued_max: usize) -> Option<Self> {
        usage.queue_news(queued_max).then(|| Self {
            news,
            _waiting: Waiting(usage.clone()),
        })
    }
}

impl Handler<QueuedNews> for Pair {
    type Result = ();

    fn handle(&mut self, queued: QueuedNews, ctx: &mut Context<Self>) {
        match queued.news {
            News::Audited(audited) => self.handle(audited, ctx),
            News::CatchUp => self.handle(CatchUp, ctx),
            News::BusAway => self.greet_again(),
            News::Committed(committed) => self.handle(committed, ctx),
            News::MoveStreams => self.handle(MoveStreams, ctx),
            News::Over(over) => self.handle(over, ctx),
            News::Relayed(relayed) => self.handle(relayed, ctx),
        }
    }
}
