//! A pair in the registry.

use std::sync::Arc;

use actix::Addr;

use crate::{Pair, pair::Usage};

pub(super) struct Entry {
    pub(super) pair: Addr<Pair>,
    pub(super) usage: Arc<Usage>,
}

/// Holds a pair in the registry while a request is on its way.
pub(super) struct Guard {
    pub(super) pair: Addr<Pair>,
    pub(super) usage: Arc<Usage>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.usage.end_visit();
    }
}

impl Entry {
    pub(super) fn guard(&self) -> Guard {
        self.usage.begin_visit();
        Guard {
            pair: self.pair.clone(),
            usage: self.usage.clone(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.usage.visits() == 0
    }
}
