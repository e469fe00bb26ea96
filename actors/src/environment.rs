//! What everything in an instance is given: the adapters, the limits, the metrics, and what takes work
//! off a pair's hands.

use std::time::Duration;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use crate::{
    Metrics,
    domain::ChatKey,
    ports::{Bus, BusState, ChatRoom, Clock, Inbox, Store, StoreError},
    tasks::{
        deferred_writes::DeferredWrites,
        journal::{Journal, JournalLimits},
        lease::Lease,
        session_checks::SessionChecks,
    },
};

/// Notices of the bus that may wait to be handed to their pairs.
const INBOX_LEN_MAX: usize = 4_096;

/// The adapters everything stands on.
#[derive(Clone)]
pub struct World {
    /// What lasts.
    pub store: Arc<dyn Store>,
    /// The courier between instances.
    pub bus: Arc<dyn Bus>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The bounds of what this instance holds, each with its unit in its name.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Pairs in memory.
    pub pairs_max: usize,
    /// Streams open at one seat.
    pub streams_per_seat_max: usize,
    /// Streams open in this instance.
    pub streams_max: usize,
    /// Sessions of one seat.
    pub sessions_per_seat_max: usize,
    /// What one chat may hold.
    pub chat_room: ChatRoom,
    /// Messages waiting in one lane of the journal.
    pub journal_queue_len_max: usize,
    /// Messages in one commit.
    pub journal_batch_len_max: usize,
    /// Messages one seat may send in a second, on average.
    pub sends_per_seat_per_second: u32,
    /// Messages one seat may send at once.
    pub sends_per_seat_burst: u32,
    /// Tries to log in or to be let in that one chat takes in a minute.
    pub logins_per_chat_per_minute: u32,
    /// How long a pair without streams and requests stays in memory.
    pub pair_rest_after: Duration,
    /// How long a seat without a stream still counts as there.
    pub presence_grace: Duration,
    /// How often the sweep runs.
    pub sweep_interval: Duration,
}

/// What every pair and every task uses.
pub(crate) struct Environment {
    pub(crate) world: World,
    pub(crate) limits: Limits,
    /// All pairs tick in step, counted from here.
    pub(crate) started: Instant,
    pub(crate) lease: Lease,
    pub(crate) journal: Journal,
    pub(crate) deferred: DeferredWrites,
    pub(crate) session_checks: Arc<SessionChecks>,
    pub(crate) inbox: Inbox,
    pub(crate) metrics: Metrics,
    /// Streams open in this instance, counted while they are held.
    pub(crate) streams: Arc<()>,
    /// Whether this instance does not hear others that live: then its bus counts as away.
    pub(crate) bus_split: AtomicBool,
    /// Wakes the sweep when a chat has ended.
    pub(crate) sweep: Notify,
}

impl Environment {
    pub(crate) fn new(world: World, limits: Limits, metrics: Metrics) -> Self {
        let journal_limits = JournalLimits {
            queue_len_max: limits.journal_queue_len_max,
            batch_len_max: limits.journal_batch_len_max,
            room: limits.chat_room,
        };
        Self {
            limits,
            started: Instant::now(),
            lease: Lease::new(world.clock.clone()),
            journal: Journal::new(&world.store, &world.bus, journal_limits, &metrics),
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

    /// Whether a chat's notices cross between instances.
    pub(crate) fn bus_state(&self, key: ChatKey) -> BusState {
        match self.bus_split.load(Ordering::Acquire) {
            true => BusState::Away,
            false => self.world.bus.state(key),
        }
    }

    /// Whether the bus reaches every instance that wrote down lately, in the store, that it lives.
    pub(crate) async fn hears_everybody(&self) -> Result<bool, StoreError> {
        let Some(call) = self.world.bus.roll_call() else {
            return Ok(true);
        };
        let peers = self.world.store.beat(call.own, &call.address).await?;
        let heard = peers.iter().all(|peer| call.heard.contains(&peer.boot));
        Ok(heard && call.is_complete)
    }
}
