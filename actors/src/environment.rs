//! What the pairs and tasks of an instance share: the adapters, the limits, the metrics, the journal and the other
//! services that pairs use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use crate::{
    Limits, Metrics,
    domain::ChatKey,
    ports::{Bus, BusState, Clock, Inbox, Store, StoreError},
    tasks::{
        deferred_writes::DeferredWrites, journal::Journal, lease::Lease,
        session_checks::SessionChecks,
    },
};

/// Notices that may wait for the relay.
const INBOX_LEN_MAX: usize = 4_096;

/// The adapters.
#[derive(Clone)]
pub struct World {
    /// The durable store.
    pub store: Arc<dyn Store>,
    /// Carries notices between instances.
    pub bus: Arc<dyn Bus>,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
}

/// Shared by every pair and every task.
pub(crate) struct Environment {
    pub(crate) world: World,
    pub(crate) limits: Limits,
    /// The origin of the pairs' ticks.
    pub(crate) started: Instant,
    pub(crate) lease: Lease,
    pub(crate) journal: Journal,
    pub(crate) deferred: DeferredWrites,
    pub(crate) session_checks: Arc<SessionChecks>,
    pub(crate) inbox: Inbox,
    pub(crate) metrics: Metrics,
    /// Every open stream of the instance holds a clone: the number of clones is their number.
    pub(crate) streams: Arc<()>,
    /// Whether there are live instances that this one does not hear. The bus counts as away then.
    pub(crate) bus_split: AtomicBool,
    /// Wakes the sweep when a chat has ended.
    pub(crate) sweep: Notify,
}

impl Environment {
    pub(crate) fn new(world: World, limits: Limits, metrics: Metrics) -> Self {
        Self {
            limits,
            started: Instant::now(),
            lease: Lease::new(world.clock.clone()),
            journal: Journal::new(&world.store, &world.bus, limits, &metrics),
            session_checks: Arc::new(SessionChecks::new(world.store.clone())),
            deferred: DeferredWrites::new(world.store.clone(), metrics.clone()),
            inbox: Inbox::new(INBOX_LEN_MAX),
            metrics,
            streams: Arc::default(),
            bus_split: AtomicBool::new(false),
            sweep: Notify::new(),
            world,
        }
    }

    /// The state of the bus for a chat.
    pub(crate) fn bus_state(&self, key: ChatKey) -> BusState {
        match self.bus_split.load(Ordering::Acquire) {
            true => BusState::Away,
            false => self.world.bus.state(key),
        }
    }

    /// The worst state of the bus for any chat.
    pub(crate) fn worst_bus_state(&self) -> BusState {
        match self.bus_split.load(Ordering::Acquire) {
            true => BusState::Away,
            false => self.world.bus.worst_state(),
        }
    }

    /// Whether this instance hears every instance that has a live row in the store.
    pub(crate) async fn hears_all_peers(&self) -> Result<bool, StoreError> {
        let Some(members) = self.world.bus.membership() else {
            return Ok(true);
        };
        let peers = self.world.store.beat(members.own, &members.address).await?;
        let heard = peers.iter().all(|peer| members.heard.contains(&peer.boot));
        Ok(heard && members.is_complete)
    }
}
