//! What a pair is told by the tasks of its instance. So much may wait and no more.

use std::sync::Arc;

use actix::{Context, Handler, Message};

use super::{Audited, CatchUp, MoveStreams, Over, Pair, Relayed};
use crate::{directory::Usage, journal::Committed};

/// What the tasks tell.
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
pub(crate) struct Told {
    news: News,
    _waiting: Waiting,
}

struct Waiting(Arc<Usage>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.end_telling();
    }
}

impl Told {
    /// `None` where so many wait already.
    pub(crate) fn new(news: News, usage: &Arc<Usage>, told_max: usize) -> Option<Self> {
        usage.begin_telling(told_max).then(|| Self {
            news,
            _waiting: Waiting(usage.clone()),
        })
    }
}

impl Handler<Told> for Pair {
    type Result = ();

    fn handle(&mut self, told: Told, ctx: &mut Context<Self>) {
        match told.news {
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
