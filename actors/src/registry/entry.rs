//! A registry entry, and the guard that keeps its pair from resting.

use std::sync::Arc;

use actix::Addr;

use crate::{Pair, pair::PairStatus};

pub(super) struct Entry {
    pub(super) pair: Addr<Pair>,
    pub(super) status: Arc<PairStatus>,
}

/// Keeps a pair from resting while a request is on its way to it.
pub(super) struct Guard {
    pub(super) pair: Addr<Pair>,
    pub(super) status: Arc<PairStatus>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.status.end_request();
    }
}

impl Entry {
    pub(super) fn guard(&self) -> Guard {
        self.status.begin_request();
        Guard {
            pair: self.pair.clone(),
            status: self.status.clone(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.status.pending_requests() == 0
    }
}
