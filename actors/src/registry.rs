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
    time::Duration,
};

use actix::{Addr, ArbiterHandle, Handler, Supervisor};
use dashmap::{DashMap, mapref::entry::Entry as MapEntry};
use tracing::{Span, debug, error};

use crate::{
    Detach, Pair, Refusal, StreamId,
    domain::{BySeat, ChatKey, Seat},
    environment::Environment,
    pair::{Keeper, News, QueuedNews, Refresh, Request, Usage, Visit},
    ports::{Bus, Lookup, Notice, Position, Store},
    supervision::catch_panic,
    tasks::journal::{CommitListener, Committed},
};
use crashes::Crashes;
use entry::{Entry, Guard};

/// How often some of the streams are moved.
const MOVE_INTERVAL: Duration = Duration::from_millis(50);
/// How many pairs' streams are moved at once when there is time for it: slow enough for the
/// instances that take them, fast enough that a few streams take no time.
const MOVE_LEN: usize = 4;
/// Notices that may wait for one pair; one with more reads from the store instead.
const QUEUED_NEWS_MAX: usize = 512;
/// Requests that may wait for one pair.
const VISITS_MAX: usize = 20_000;

/// The pairs of this instance. Cheap to clone.
#[derive(Clone)]
pub struct PairRegistry(Arc<Inner>);

struct Inner {
    pairs: DashMap<ChatKey, Entry>,
    crashes: Crashes,
    arbiters: Vec<ArbiterHandle>,
    environment: Arc<Environment>,
}

impl PairRegistry {
    /// An empty registry, which starts pairs on the arbiters given.
    pub(crate) fn new(environment: Arc<Environment>, arbiters: Vec<ArbiterHandle>) -> Self {
        Self(Arc::new(Inner {
            pairs: DashMap::new(),
            crashes: Crashes::default(),
            arbiters,
            environment,
        }))
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
                span: Span::current(),
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
        &self.0.environment.world.store
    }

    /// The bus, to ask for its health.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.0.environment.world.bus
    }

    /// Whether notices cross between instances.
    pub fn bus_is_up(&self) -> bool {
        !self.environment().bus_split.load(Ordering::Acquire) && self.bus().is_up()
    }

    /// Writes down what is still only in memory.
    pub async fn flush_deferred(&self) {
        self.0.environment.deferred.write_all().await;
    }

    pub(crate) fn environment(&self) -> &Arc<Environment> {
        &self.0.environment
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
            None => self.environment().inbox.report_missed([key]),
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
        if self.0.pairs.len() >= self.0.environment.limits.pairs_max {
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
        let lapses = self.0.environment.lease.lapses();
        if guard.usage.lapses() < lapses {
            refresh(&guard.pair).await?;
            guard.usage.looked_after(lapses);
        }
        Ok(())
    }

    fn start_pair(&self, key: ChatKey) -> Entry {
        debug!(chat = %key.fingerprint(), "a pair starts");
        self.0.environment.metrics.pair_starts.inc();
        let environment = self.0.environment.clone();
        let pairs: Arc<dyn Keeper> = Arc::new(self.clone());
        let usage = Arc::new(Usage::new(self.0.environment.lease.lapses()));
        let used = usage.clone();
        let span = Span::current();
        Entry {
            pair: Supervisor::start_in_arbiter(self.arbiter(key), move |_| {
                Pair::new(key, environment, pairs, used, span)
            }),
            usage,
        }
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
        self.0.environment.metrics.pair_crashes.inc();
        self.0.crashes.remember(key);
    }

    fn count(&self) {
        self.0
            .environment
            .metrics
            .pairs
            .set(self.0.pairs.len() as i64);
    }
}

impl Keeper for PairRegistry {
    fn leave(&self, key: ChatKey, pair: &Addr<Pair>) -> bool {
        let idle = |_: &ChatKey, entry: &Entry| entry.pair == *pair && entry.is_idle();
        let left = self.0.pairs.remove_if(&key, idle).is_some();
        if left {
            self.count();
        }
        left
    }

    fn dismiss(&self, key: ChatKey, pair: &Addr<Pair>) {
        if self
            .0
            .pairs
            .remove_if(&key, |_, entry| entry.pair == *pair)
            .is_some()
        {
            self.count();
        }
    }

    fn crashed(&self, key: ChatKey, usage: &Arc<Usage>, present: BySeat<bool>) {
        let own = |_: &ChatKey, entry: &Entry| Arc::ptr_eq(&entry.usage, usage);
        if self.0.pairs.remove_if(&key, own).is_some() {
            self.remember_crash(key);
        }
        let environment = self.0.environment.clone();
        // This thread is unwinding, where another panic would end the process: the bus is told by a
        // task of the pair's own arbiter, which runs before a fresh pair can start there.
        self.arbiter(key).spawn(async move {
            let bus = &environment.world.bus;
            bus.unsubscribe(key);
            bus.set_open(key, BySeat::default());
            tokio::time::sleep(environment.limits.presence_grace).await;
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
}

impl CommitListener for PairRegistry {
    fn committed(&self, key: ChatKey, messages: Committed) {
        self.tell(key, News::Committed(messages));
    }
}

/// Has a pair read its chat again. One that dies over this is found dead in the next round.
async fn refresh(pair: &Addr<Pair>) -> Result<(), Refusal> {
    pair.send(Refresh::now()).await.unwrap_or(Ok(()))
}
