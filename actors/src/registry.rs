//! The registry of pairs: finds them, starts them from the store, replaces them after a panic, lets them rest.
//!
//! A panic in a handler ends its actor for good: the mailbox closes, and every request in it fails with
//! `MailboxError::Closed`. The registry starts a fresh pair from the store and sends those requests again; only
//! the request that was being handled fails, as a defect. A chat whose pair keeps panicking is refused for a while.
//!
//! A pair rests only while no request is on its way to it, and is removed from the registry before its mailbox
//! closes, so an instance never has two pairs of one chat.

mod crashes;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{Addr, ArbiterHandle, Handler, Supervisor};
use dashmap::{DashMap, mapref::entry::Entry as MapEntry};
use tracing::{Instrument, Span, debug, error};

use crate::{
    Detach, Pair, Refusal, StreamId,
    domain::{BySeat, ChatKey, Notice, Position, Seat, Timestamp},
    environment::Environment,
    pair::{
        CountGuard, Dispatch, PairStatus, QueuedSignal, Refresh, RegistryHandle, Request, Signal,
    },
    ports::{Access, Bus, BusState, DeferredWrite, Store},
};
use crashes::Crashes;

/// On drain, how often a part of the streams is ended.
const MOVE_INTERVAL: Duration = Duration::from_millis(50);
/// The least number of pairs whose streams are ended at once: slow enough for the instances that take them over,
/// and fast where there are few.
const MOVE_LEN: usize = 4;
/// Signals that may be queued for one pair; past that it reads from the store instead.
const QUEUED_SIGNALS_MAX: u32 = 512;
/// Requests that may be on their way to one pair.
const PENDING_REQUESTS_MAX: u32 = 20_000;

/// The pairs of this instance. Cheap to clone.
#[derive(Clone)]
pub struct PairRegistry(Arc<Inner>);

struct Inner {
    pairs: DashMap<ChatKey, Entry>,
    crashes: Crashes,
    arbiters: Vec<ArbiterHandle>,
    environment: Arc<Environment>,
}

#[derive(Clone)]
struct Entry {
    pair: Addr<Pair>,
    status: Arc<PairStatus>,
}

impl Entry {
    /// The pair, which does not rest while the guard lives.
    fn guarded(&self) -> (Self, CountGuard) {
        (self.clone(), self.status.count_request())
    }
}

impl PairRegistry {
    /// An empty registry that starts pairs on these arbiters.
    pub(crate) fn new(environment: Arc<Environment>, arbiters: Vec<ArbiterHandle>) -> Self {
        Self(Arc::new(Inner {
            pairs: DashMap::new(),
            crashes: Crashes::default(),
            arbiters,
            environment,
        }))
    }

    /// Sends a request to its pair and returns the reply. A request that was queued behind one that panicked is
    /// sent again to the fresh pair. After the instance was suspended the pair reads the store first.
    ///
    /// # Errors
    /// The pair's refusal; [`Refusal::NotFound`] and [`Refusal::Gone`] where there is no living
    /// chat; [`Refusal::Defect`] when the handler panicked.
    pub async fn ask<M>(&self, key: ChatKey, message: M) -> Result<M::Reply, Refusal>
    where
        M: Request,
        Pair: Handler<Dispatch<M>>,
    {
        let mut refreshed = false;
        let mut replaced = false;
        loop {
            let (entry, _on_its_way) = self.find_or_start(key).await?;
            self.check_lease(&entry).await?;
            let begun = Arc::new(AtomicBool::new(false));
            let dispatch = Dispatch {
                message: message.clone(),
                again: refreshed,
                begun: begun.clone(),
                span: Span::current(),
            };
            match entry.pair.send(dispatch).await {
                Ok(Err(Refusal::Unconfirmed(_))) if !refreshed => {
                    refreshed = true;
                    refresh(&entry.pair).await?;
                }
                Ok(Err(Refusal::Unconfirmed(refusal))) => return Err(*refusal),
                Ok(Err(Refusal::NoSession)) => {
                    // The store knows that the session has ended and the pair does not: reading the chat again
                    // ends the session's streams. If that fails, the next comparison with the store does it.
                    let _ = refresh(&entry.pair).await;
                    return Err(Refusal::NoSession);
                }
                Ok(answer) => return answer,
                // Without a time-out the only error is a closed mailbox: the pair has panicked.
                Err(_) => {
                    self.0.remove_crashed(key, |found| found.pair == entry.pair);
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

    /// Reports to a chat's pair that a stream has ended, if the pair is in memory.
    pub fn detach(&self, key: ChatKey, stream: StreamId) {
        if let Some(pair) = self.get(key) {
            pair.do_send(Detach(stream));
        }
    }

    /// Ends every stream of this instance for a drain, spread over the time `within`. Their clients reconnect, to
    /// another instance if there is one. Never returns, since more streams may still be opened.
    pub async fn move_streams(&self, within: Duration) {
        let mut interval = tokio::time::interval(MOVE_INTERVAL);
        let mut rounds = within.div_duration_f64(MOVE_INTERVAL).max(1.0);
        loop {
            let keys = self.keys(|_, _| true);
            let at_once = (keys.len() as f64 / rounds).ceil() as usize;
            for part in keys.chunks(at_once.max(MOVE_LEN)) {
                interval.tick().await;
                for key in part {
                    self.signal(*key, Signal::MoveStreams);
                }
            }
            interval.tick().await;
            rounds = 1.0;
        }
    }

    /// The store, for requests that need no pair.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.environment.world.store
    }

    /// Whether there is such a chat. Asked in a task of its own: a call of the store that is given up, because a client has
    /// left, costs its connection.
    ///
    /// # Errors
    /// [`Refusal`] when the store cannot say.
    pub async fn status(&self, key: ChatKey) -> Result<Access<()>, Refusal> {
        let store = self.store().clone();
        let asking = async move { store.status(key).await };
        let asked = tokio::spawn(asking.in_current_span()).await;
        Ok(asked.map_err(|panic| Refusal::Defect(panic.to_string()))??)
    }

    /// The bus, for health checks.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.0.environment.world.bus
    }

    /// Whether notices reach the other instances.
    pub fn bus_is_up(&self) -> bool {
        self.environment().worst_bus_state() < BusState::Away
    }

    /// Writes all deferred writes to the store.
    pub async fn flush_deferred(&self) {
        self.0.environment.deferred.write_all().await;
    }

    pub(crate) fn environment(&self) -> &Arc<Environment> {
        &self.0.environment
    }

    /// The pair of a chat, if it is in memory.
    pub(crate) fn get(&self, key: ChatKey) -> Option<Addr<Pair>> {
        self.0.pairs.get(&key).map(|entry| entry.pair.clone())
    }

    /// The position of a chat's pair, if it is in memory.
    pub(crate) fn position(&self, key: ChatKey) -> Option<Position> {
        self.0.pairs.get(&key).map(|entry| entry.status.position())
    }

    /// Sends a signal to a chat's pair, if it is in memory. When too many are queued the chat is reported as missed
    /// instead, so that the pair reads the store a moment later.
    pub(crate) fn signal(&self, key: ChatKey, signal: Signal) {
        let found = self.0.pairs.get(&key).map(|entry| {
            let counted = entry.status.count_signal(QUEUED_SIGNALS_MAX);
            (entry.pair.clone(), counted)
        });
        let Some((pair, counted)) = found else { return };
        match counted {
            // The mailbox's own capacity is no bound: actix grants every clone of an address one more slot.
            Some(counted) => pair.do_send(QueuedSignal(signal, counted)),
            None => self.environment().inbox.report_missed([key]),
        }
    }

    /// The chats in memory that pass the filter.
    pub(crate) fn keys(&self, wanted: impl Fn(ChatKey, &PairStatus) -> bool) -> Vec<ChatKey> {
        let pairs = self.0.pairs.iter();
        let pairs = pairs.filter(|entry| wanted(*entry.key(), &entry.status));
        pairs.map(|entry| *entry.key()).collect()
    }

    async fn find_or_start(&self, key: ChatKey) -> Result<(Entry, CountGuard), Refusal> {
        if let Some(entry) = self.0.pairs.get(&key) {
            if entry.status.pending_requests() >= PENDING_REQUESTS_MAX {
                return Err(Refusal::Unavailable(
                    "too many requests wait for this chat".into(),
                ));
            }
            return Ok(entry.guarded());
        }
        if self.0.crashes.too_many(key) {
            return Err(Refusal::Unavailable(
                "this pair failed several times in a row".into(),
            ));
        }
        self.status(key).await??;
        if self.0.pairs.len() >= self.0.environment.limits.pairs_max {
            return Err(Refusal::Unavailable(
                "this instance holds all the chats it may".into(),
            ));
        }
        let entry = match self.0.pairs.entry(key) {
            MapEntry::Occupied(entry) => entry.get().guarded(),
            MapEntry::Vacant(vacant) => vacant.insert(self.start_pair(key)).guarded(),
        };
        self.0.update_gauge();
        Ok(entry)
    }

    /// Makes the pair read the store again if it last did so before the instance was suspended.
    async fn check_lease(&self, entry: &Entry) -> Result<(), Refusal> {
        let lapses = self.0.environment.lease.renew();
        if entry.status.lapses() < lapses {
            refresh(&entry.pair).await?;
            entry.status.set_lapses(lapses);
        }
        Ok(())
    }

    fn start_pair(&self, key: ChatKey) -> Entry {
        debug!(chat = %key.fingerprint(), "a pair starts");
        self.0.environment.metrics.pair_starts.inc();
        let environment = self.0.environment.clone();
        let registry: Arc<dyn RegistryHandle> = self.0.clone();
        let status = Arc::new(PairStatus::new(self.0.environment.lease.renew()));
        let shared = status.clone();
        let span = Span::current();
        Entry {
            pair: Supervisor::start_in_arbiter(self.0.arbiter(key), move |_| {
                Pair::new(key, environment, registry, shared, span)
            }),
            status,
        }
    }
}

impl Inner {
    /// The arbiter that runs a chat's pair.
    fn arbiter(&self, key: ChatKey) -> &ArbiterHandle {
        &self.arbiters[key.spread() % self.arbiters.len()]
    }

    /// Removes a chat's entry if it is the one meant; returns whether it was.
    fn remove_if(&self, key: ChatKey, meant: impl FnOnce(&Entry) -> bool) -> bool {
        let removed = self.pairs.remove_if(&key, |_, entry| meant(entry));
        self.update_gauge();
        removed.is_some()
    }

    /// Removes a pair that has panicked and counts that, unless another request did it first.
    fn remove_crashed(&self, key: ChatKey, meant: impl FnOnce(&Entry) -> bool) {
        if !self.remove_if(key, meant) {
            return;
        }
        error!(chat = %key.fingerprint(), "a pair panicked; the next request starts a new one");
        self.environment.metrics.pair_crashes.inc();
        self.crashes.add(key);
    }

    fn update_gauge(&self) {
        let gauge = &self.environment.metrics.pairs;
        gauge.set(self.pairs.len() as i64);
    }
}

impl RegistryHandle for Inner {
    fn remove_if_idle(&self, key: ChatKey, pair: &Addr<Pair>) -> bool {
        self.remove_if(key, |entry| {
            entry.pair == *pair && entry.status.pending_requests() == 0
        })
    }

    fn remove(&self, key: ChatKey, pair: &Addr<Pair>) {
        self.remove_if(key, |entry| entry.pair == *pair);
    }

    fn crashed(&self, key: ChatKey, status: &Arc<PairStatus>, present: BySeat<bool>) {
        let environment = self.environment.clone();
        // This thread is unwinding, and a second panic would abort the process. So a task cleans up, on the pair's
        // own arbiter, where it runs before a fresh pair, because that is started only once this one is removed.
        self.arbiter(key).spawn(async move {
            let bus = &environment.world.bus;
            bus.unsubscribe(key);
            bus.set_open(key, BySeat::default());
            let seats = Seat::BOTH.into_iter().filter(|seat| present[*seat]);
            let left = seats.map(|seat| (seat, environment.world.clock.now()));
            let left: Vec<(Seat, Timestamp)> = left.collect();
            // Before the grace, since a fresh pair does not know who was there, and says of nobody that they left.
            for (seat, at) in &left {
                let seen = DeferredWrite::LastSeen(*seat, *at);
                environment.deferred.push(key, seen);
            }
            tokio::time::sleep(environment.limits.presence_grace).await;
            for (seat, at) in left {
                let gone = Notice::Presence {
                    seat,
                    online: false,
                    last_seen: Some(at),
                };
                bus.publish(key, gone);
            }
        });
        self.remove_crashed(key, |entry| Arc::ptr_eq(&entry.status, status));
    }
}

/// Makes a pair read its chat again. If it panics, the next send finds its mailbox closed.
async fn refresh(pair: &Addr<Pair>) -> Result<(), Refusal> {
    pair.send(Refresh::now()).await.unwrap_or(Ok(()))
}
