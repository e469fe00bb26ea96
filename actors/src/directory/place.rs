//! A pair's place in the directory, and what is known of it there without asking it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use actix::Addr;

use crate::{Pair, domain::Seq};

pub(super) struct Place {
    pub(super) pair: Addr<Pair>,
    pub(super) usage: Arc<Usage>,
}

/// What is known of a pair without asking it.
pub(crate) struct Usage {
    /// Requests on their way to the pair; it does not go to rest before they are answered.
    visits: AtomicUsize,
    /// How often the lease had lapsed when the pair last looked into the store.
    lapses: AtomicU64,
    /// The place of the last message that the pair's streams were given.
    position: AtomicU64,
}

/// Holds a pair in the directory while a request is on its way.
pub(super) struct Pass {
    pub(super) pair: Addr<Pair>,
    pub(super) usage: Arc<Usage>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.usage.visits.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Place {
    pub(super) fn pass(&self) -> Pass {
        self.usage.visits.fetch_add(1, Ordering::AcqRel);
        Pass {
            pair: self.pair.clone(),
            usage: self.usage.clone(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.usage.visits.load(Ordering::Acquire) == 0
    }
}

impl Usage {
    /// That of a pair which looks into the store only now.
    pub(super) fn new(lapses: u64) -> Self {
        Self {
            visits: AtomicUsize::new(0),
            lapses: AtomicU64::new(lapses),
            position: AtomicU64::new(0),
        }
    }

    pub(super) fn lapses(&self) -> u64 {
        self.lapses.load(Ordering::Acquire)
    }

    pub(super) fn looked_after(&self, lapses: u64) {
        self.lapses.fetch_max(lapses, Ordering::AcqRel);
    }

    pub(crate) fn position(&self) -> Seq {
        self.position.load(Ordering::Acquire)
    }

    /// Only the pair itself moves on.
    pub(crate) fn move_to(&self, position: Seq) {
        self.position.store(position, Ordering::Release);
    }
}
