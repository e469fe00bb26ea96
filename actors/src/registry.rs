//! Where a chat's pair is: found, started from the store, replaced after a panic, put to rest.
//!
//! A handler that panics ends its actor for good: the mailbox closes, and whatever waited in it
//! is told so. The registry starts a fresh pair from the store, lets the innocent try again
//! there, and answers the one request that was being handled with a defect. A pair that keeps
//! panicking is left alone for a while.
//!
//! A pair goes to rest only while no request is on its way to it, and leaves the registry
//! before it closes; so there is never a second pair of one chat in one instance.

mod crashes;
mod entry;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Addr, ArbiterHandle, Handler, Supervisor};
use dashmap::{DashMap, mapref::entry::Entry as MapEntry};
use tokio::sync::Notify;
use tracing::{debug, error};

use crate::{
    Detach, Metrics, Pair, Refusal, StreamId, Tasks,
    domain::{BySeat, ChatKey, Seat},
    instance::catch_panic,
    pair::{News, QueuedNews, Refresh, Request, Visit},
    ports::{Bus, BusState, ChatRoom, Clock, Inbox, Lookup, Notice, Position, Store},
    tasks::{
        deferred_writes::DeferredWrites,
        journal::{Journal, JournalLimits},
        lease::Lease,
        peers, relay,
        session_checks::SessionChecks,
        sweeper,
    },
};
use crashes::Crashes;
use entry::{Entry, Guard};
pub(crate) use entry::{Streaming, Usage};

/// How often some of the streams are moved.
const MOVE_INTERVAL: Duration = Duration::from_millis(50);
/// How many pairs' streams are moved at once when there is time for it: slow enough for the
/// instances that take them, fast enough that a few streams take no time.
const MOVE_LEN: usize = 4;
/// Notices of the bus that may wait to be handed to their pairs.
const INBOX_LEN_MAX: usize = 4_096;
/// Notices that may wait for one pair; one with more reads from the store instead.
const QUEUED_NEWS_MAX: usize = 512;
/// Requests that may wait for one pair.
const VISITS_MAX: usize = 20_000;

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

/// The pairs of this instance. Cheap to clone.
#[derive(Clone)]
pub struct PairRegistry(Arc<Inner>);

struct Inner {
    pairs: DashMap<ChatKey, Entry>,
    crashes: Crashes,
    arbiters: Vec<ArbiterHandle>,
    shared: Arc<Shared>,
}

/// What every pair uses.
pub(crate) struct Shared {
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

impl Shared {
    /// Whether a chat's notices cross between instances.
    pub(crate) fn bus_state(&self, key: ChatKey) -> BusState {
        match self.bus_split.load(Ordering::Acquire) {
            true => BusState::Away,
            false => self.world.bus.state(key),
        }
    }
}

impl PairRegistry {
    /// Starts an empty registry and the tasks beside it on the arbiters given. Must be called inside
    /// an actix system.
    ///
    /// # Panics
    /// When no arbiter is given.
    pub fn start(
        world: World,
        limits: Limits,
        arbiters: Vec<ArbiterHandle>,
        metrics: Metrics,
        tasks: &Tasks,
    ) -> Self {
        let journal_limits = JournalLimits {
            queue_len_max: limits.journal_queue_len_max,
            batch_len_max: limits.journal_batch_len_max,
            room: limits.chat_room,
        };
        let journal = Journal::new(&world.store, &world.bus, journal_limits, &metrics);
        let pairs = Self(Arc::new(Inner {
            pairs: DashMap::new(),
            crashes: Crashes::default(),
            shared: Arc::new(Shared {
                limits,
                started: Instant::now(),
                lease: Lease::new(world.clock.clone()),
                journal,
                session_checks: Arc::new(SessionChecks::new(world.store.clone())),
                deferred: DeferredWrites::new(world.store.clone(), metrics.clone()),
                inbox: Inbox::new(INBOX_LEN_MAX),
                metrics,
                streams: Arc::default(),
                bus_split: AtomicBool::new(false),
                sweep: Notify::new(),
                world,
            }),
            arbiters,
        }));
        let shared = pairs.shared();
        shared.world.bus.listen(shared.inbox.clone());
        pairs.start_tasks(tasks);
        pairs
    }

    fn start_tasks(&self, tasks: &Tasks) {
        let arbiters = &self.0.arbiters;
        for (lane, arbiter) in self
            .shared()
            .journal
            .lanes()
            .iter()
            .zip(arbiters.iter().cycle())
        {
            let (lane, tasks) = (lane.clone(), tasks.clone());
            arbiter.spawn(async move { tasks.keep("journal", || lane.clone().run()).await });
        }
        self.start_task(tasks, "deferred_writes", |pairs| {
            pairs.shared().deferred.clone().run()
        });
        self.start_task(tasks, "relay", relay::run);
        self.start_task(tasks, "catch_up", relay::catch_up);
        self.start_task(tasks, "news", relay::ask_for_news);
        self.start_task(tasks, "peers", peers::run);
        self.start_task(tasks, "sweep", sweeper::run);
        self.start_task(tasks, "audit", sweeper::audit);
        self.start_task(tasks, "lease", |pairs| async move {
            pairs.shared().lease.keep().await;
        });
    }

    fn start_task<F: Future<Output = ()> + Send + 'static>(
        &self,
        tasks: &Tasks,
        name: &'static str,
        task: impl Fn(Self) -> F + Send + Sync + 'static,
    ) {
        let (pairs, tasks) = (self.clone(), tasks.clone());
        self.0.arbiters[0].spawn(async move {
            tasks.keep(name, || task(pairs.clone())).await;
        });
    }

    /// Brings a request to its pair and the answer back. A request that was waiting behind one
    /// that panicked is brought to the fresh pair. One that finds the instance just woken has the
    /// pair look into the store first.
    ///
    /// # Errors
    /// The pair's refusal; [`Refusal::NotFound`] and [`Refusal::Gone`] where there is no living
    /// chat; [`Refusal::Defect`] when the handler panicked.
    pub async fn ask<M>(&self, key: ChatKey, message: M) -> Result<M::Reply, Refusal>
    where
        M: Request,
        Pair: Handler<Visit<M>>,
    {
        let mut refreshed = false;
        let mut replaced = false;
        loop {
            let guard = self.find(key).await?;
            self.check_lease(&guard).await?;
            let begun = Arc::new(AtomicBool::new(false));
            let visit = Visit {
                message: message.clone(),
                begun: begun.clone(),
            };
            match guard.pair.send(visit).await {
                Ok(Err(Refusal::UnknownSession)) if !refreshed => {
                    refreshed = true;
                    refresh(&guard.pair).await?;
                }
                Ok(Err(Refusal::UnknownSession)) => return Err(Refusal::NoSession),
                Ok(Err(Refusal::NoSession)) => {
                    // The store knows of an end that the pair has not heard of: the session's
                    // streams end when it reads the chat again.
                    // Where it cannot read now, the next comparison with the store tells it.
                    let _ = refresh(&guard.pair).await;
                    return Err(Refusal::NoSession);
                }
                Ok(answer) => return answer,
                // No time-out was set, so the mailbox has closed: the pair has panicked.
                Err(_) => {
                    self.bury(key, &guard.pair);
                    if begun.load(Ordering::Acquire) {
                        return Err(Refusal::Defect("the pair's handler panicked".into()));
                    }
                    if replaced {
                        return Err(Refusal::Unavailable("the pair keeps failing".into()));
                    }
                    replaced = true;
                }
            }
        }
    }

    /// Tells a chat's pair that a stream has ended, if the pair is in memory.
    pub fn detach(&self, key: ChatKey, stream: StreamId) {
        if let Some(pair) = self.live(key) {
            pair.do_send(Detach(stream));
        }
    }

    /// Ends every stream of this instance, some at a time and all of them `within` that time;
    /// their clients come back, elsewhere if they can. It goes on for ever, since one may still
    /// open meanwhile.
    pub async fn move_streams(&self, within: Duration) {
        let mut interval = tokio::time::interval(MOVE_INTERVAL);
        let mut rounds = within.div_duration_f64(MOVE_INTERVAL).max(1.0);
        loop {
            let keys = self.keys(|_| true);
            let at_once = (keys.len() as f64 / rounds).ceil() as usize;
            for part in keys.chunks(at_once.max(MOVE_LEN)) {
                interval.tick().await;
                for key in part {
                    self.tell(*key, News::MoveStreams);
                }
            }
            interval.tick().await;
            rounds = 1.0;
        }
    }

    /// The store, for requests that concern no living pair.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.shared.world.store
    }

    /// The bus, to ask for its health.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.0.shared.world.bus
    }

    /// Whether notices cross between instances.
    pub fn bus_is_up(&self) -> bool {
        !self.shared().bus_split.load(Ordering::Acquire) && self.bus().is_up()
    }

    /// Writes down what is still only in memory.
    pub async fn flush_deferred(&self) {
        self.0.shared.deferred.write_all().await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// The pair of a chat, if it is in memory.
    pub(crate) fn live(&self, key: ChatKey) -> Option<Addr<Pair>> {
        self.0.pairs.get(&key).map(|entry| entry.pair.clone())
    }

    /// How far a chat's pair is, if it is in memory.
    pub(crate) fn known(&self, key: ChatKey) -> Option<Position> {
        self.0.pairs.get(&key).map(|entry| entry.usage.known())
    }

    /// Whether a chat's pair is in memory and does not know what the store has answered when it was
    /// `asked`, and so far was the pair then.
    pub(crate) fn is_behind(
        &self,
        key: ChatKey,
        asked: &Position,
        position: Option<Position>,
    ) -> bool {
        let Some(known) = self.known(key) else {
            return false;
        };
        position.is_none_or(|position| position.is_news(asked, &known))
    }

    /// Tells a chat's pair something, if it is in memory. One that has too much waiting is not told:
    /// it reads from the store what it missed, a moment later.
    pub(crate) fn tell(&self, key: ChatKey, news: News) {
        let Some((pair, queued)) = self.0.pairs.get(&key).map(|entry| {
            let queued = QueuedNews::new(news, &entry.usage, QUEUED_NEWS_MAX);
            (entry.pair.clone(), queued)
        }) else {
            return;
        };
        match queued {
            // Its mailbox has no bound of its own for this: every address has a entry there.
            Some(queued) => pair.do_send(queued),
            None => self.shared().inbox.report_missed([key]),
        }
    }

    /// The chats in memory that are wanted.
    pub(crate) fn keys(&self, wanted: impl Fn(ChatKey) -> bool) -> Vec<ChatKey> {
        let keys = self.0.pairs.iter().map(|entry| *entry.key());
        keys.filter(|key| wanted(*key)).collect()
    }

    /// The chats in memory that have open streams.
    pub(crate) fn streamed_keys(&self, wanted: impl Fn(ChatKey) -> bool) -> Vec<ChatKey> {
        let streamed = self
            .0
            .pairs
            .iter()
            .filter(|entry| entry.usage.has_streams());
        let keys = streamed.map(|entry| *entry.key());
        keys.filter(|key| wanted(*key)).collect()
    }

    /// Lets a pair go to rest: out of the registry, unless a request is on its way to it.
    pub(crate) fn leave(&self, key: ChatKey, pair: &Addr<Pair>) -> bool {
        let idle = |_: &ChatKey, entry: &Entry| entry.pair == *pair && entry.is_idle();
        let left = self.0.pairs.remove_if(&key, idle).is_some();
        if left {
            self.count();
        }
        left
    }

    /// Takes out a pair whose chat is over, or could not be opened.
    pub(crate) fn dismiss(&self, key: ChatKey, pair: &Addr<Pair>) {
        if self
            .0
            .pairs
            .remove_if(&key, |_, entry| entry.pair == *pair)
            .is_some()
        {
            self.count();
        }
    }

    async fn find(&self, key: ChatKey) -> Result<Guard, Refusal> {
        if let Some(entry) = self.0.pairs.get(&key) {
            if entry.usage.visits() >= VISITS_MAX {
                return Err(Refusal::Unavailable(
                    "too many requests wait for this chat".into(),
                ));
            }
            return Ok(entry.guard());
        }
        if self.0.crashes.too_many(key) {
            return Err(Refusal::Unavailable(
                "this pair failed several times in a row".into(),
            ));
        }
        let status = catch_panic(self.store().status(key)).await;
        match status.map_err(Refusal::Defect)?? {
            Lookup::Missing => return Err(Refusal::NotFound),
            Lookup::Ended => return Err(Refusal::Gone),
            Lookup::Live(()) => {}
        }
        if self.0.pairs.len() >= self.0.shared.limits.pairs_max {
            return Err(Refusal::Unavailable(
                "this instance holds all the chats it may".into(),
            ));
        }
        let guard = match self.0.pairs.entry(key) {
            MapEntry::Occupied(entry) => entry.get().guard(),
            MapEntry::Vacant(vacant) => vacant.insert(self.start_pair(key)).guard(),
        };
        self.count();
        Ok(guard)
    }

    /// A pair that last looked into the store before the instance slept looks again.
    async fn check_lease(&self, guard: &Guard) -> Result<(), Refusal> {
        let lapses = self.0.shared.lease.lapses();
        if guard.usage.lapses() < lapses {
            refresh(&guard.pair).await?;
            guard.usage.looked_after(lapses);
        }
        Ok(())
    }

    fn start_pair(&self, key: ChatKey) -> Entry {
        debug!(chat = %key.fingerprint(), "a pair starts");
        self.0.shared.metrics.pair_starts.inc();
        let pairs = self.clone();
        let usage = Arc::new(Usage::new(self.0.shared.lease.lapses()));
        let used = usage.clone();
        Entry {
            pair: Supervisor::start_in_arbiter(self.arbiter(key), move |_| {
                Pair::new(key, pairs, used)
            }),
            usage,
        }
    }

    /// A pair is being dropped by a panic: it leaves neither its entry nor its subscription nor the
    /// presence of those whose streams end with it. Who is back after the grace was never gone.
    pub(crate) fn crashed(&self, key: ChatKey, usage: &Arc<Usage>, present: BySeat<bool>) {
        let own = |_: &ChatKey, entry: &Entry| Arc::ptr_eq(&entry.usage, usage);
        if self.0.pairs.remove_if(&key, own).is_some() {
            self.remember_crash(key);
        }
        let shared = self.0.shared.clone();
        // This thread is unwinding, where another panic would end the process: the bus is told by a
        // task of the pair's own arbiter, which runs before a fresh pair can start there.
        self.arbiter(key).spawn(async move {
            let bus = &shared.world.bus;
            bus.unsubscribe(key);
            bus.set_open(key, BySeat::default());
            tokio::time::sleep(shared.limits.presence_grace).await;
            for seat in Seat::BOTH.into_iter().filter(|seat| present[*seat]) {
                let gone = Notice::Presence {
                    seat,
                    online: false,
                    last_seen: None,
                };
                bus.publish(key, gone);
            }
        });
    }

    /// Where a chat's pair runs.
    fn arbiter(&self, key: ChatKey) -> &ArbiterHandle {
        &self.0.arbiters[key.spread() % self.0.arbiters.len()]
    }

    /// Takes out a pair that was found dead, and remembers it.
    fn bury(&self, key: ChatKey, pair: &Addr<Pair>) {
        if self
            .0
            .pairs
            .remove_if(&key, |_, entry| entry.pair == *pair)
            .is_none()
        {
            return; // Another request found it first.
        }
        self.remember_crash(key);
    }

    fn remember_crash(&self, key: ChatKey) {
        self.count();
        error!(chat = %key.fingerprint(), "a pair panicked; the next request starts it afresh");
        self.0.shared.metrics.pair_crashes.inc();
        self.0.crashes.remember(key);
    }

    fn count(&self) {
        self.0.shared.metrics.pairs.set(self.0.pairs.len() as i64);
    }
}

/// Has a pair read its chat again. One that dies over this is found dead in the next round.
async fn refresh(pair: &Addr<Pair>) -> Result<(), Refusal> {
    pair.send(Refresh).await.unwrap_or(Ok(()))
}
