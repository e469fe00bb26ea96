//! The supervised actor of one chat: its seats, sessions, presence and the order of its messages.
//!
//! It is started from the store by the first request and rests after a minute without streams and requests.
//! It subscribes to the bus before it reads the store, so that no notice is missed in between. A send does not
//! block the mailbox while it becomes durable: it goes to the journal, and the commit comes back as a message.
//! The rare changes of seats and sessions do block it, so that they are applied in the store's order; after
//! each the pair reads its chat again instead of guessing what the store now holds.
//!
//! What it holds is a copy. Messages are never served from memory: the store is asked, and returns nothing
//! once the chat is over. A refusal by the copy alone is [unconfirmed](Refusal::Unconfirmed) until the store was read.

mod activities;
mod asks;
mod changes;
mod ending;
mod history;
mod messages;
mod presence;
mod rates;
mod receipts;
mod relayed;
mod requests;
mod rewind;
mod seats;
mod sessions;
mod signals;
mod snapshot;
mod status;
mod streams;
mod ticks;

use std::{
    collections::BTreeMap,
    panic,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, ResponseActFuture,
    Supervised, WrapFuture,
};
use tracing::{Instrument, Span, debug, warn};

pub use activities::*;
pub use asks::*;
pub use ending::*;
pub use history::*;
pub use messages::*;
pub use receipts::*;
pub(crate) use requests::Refresh;
pub use requests::{Dispatch, Request};
pub use seats::*;
pub use sessions::*;
pub(crate) use signals::{QueuedSignal, Signal};
pub use snapshot::*;
pub(crate) use status::{CountGuard, PairStatus};
pub use streams::*;

use crate::{
    Refusal,
    domain::{
        BySeat, Caller, Chat, ChatKey, Names, Notice, Seat, SeatChange, SecretDigest, Seq,
        SessionId, UserName,
    },
    environment::Environment,
    ports::{Access, DeferredWrite, Store, StoreError},
};

/// The actor of one chat.
pub struct Pair {
    key: ChatKey,
    environment: Arc<Environment>,
    registry: Arc<dyn RegistryHandle>,
    /// The chat without its messages, or why there is none to serve.
    chat: Result<Chat, Refusal>,
    /// The clock's uptime when the chat was last read from the store.
    read_at: Duration,
    /// When the last [`Refresh`] began to read the store.
    refreshed: Option<Instant>,
    names: Arc<Names>,
    /// What others see of this pair, such as the `seq` of the last message that its streams got.
    status: Arc<PairStatus>,
    /// Messages that arrived before an earlier one.
    early: BTreeMap<Seq, Arc<crate::domain::Message>>,
    catching_up: bool,
    /// Whether it was logged that the store refuses to read the chat.
    unreadable: bool,
    recent: rewind::RecentMessages,
    streams: Vec<streams::StreamEntry>,
    /// Which seats were announced as online here.
    present: BySeat<bool>,
    /// At which seats another instance has a stream open; `None` while that is unknown.
    elsewhere: Option<BySeat<bool>>,
    /// Whether the bus did not say so, and will be asked again.
    asks_again: bool,
    /// Counts events other than messages, so that a stream which was replaying meanwhile knows that its hello is
    /// out of date.
    changes: u64,
    /// What `changes` was after the streams were last cut off. One that was opened before may not attach: it may begin
    /// behind messages that the store has lost, or belong to a session that has ended.
    cut_at: u64,
    /// Counts how often a seat's last stream closed, so that an old grace timer does not end a newer presence.
    departures: BySeat<u32>,
    last_request: Instant,
    /// Whether the request that is being handled was asked before, and refused by an older copy of the chat.
    asked_again: bool,
    recent_numbers: asks::RecentNumbers,
    /// Most chats in memory are idle, and have none of these.
    rates: Option<Box<rates::Rates>>,
    last_activities: Option<Box<activities::LastActivities>>,
    phase: Phase,
    /// The span of the request that started it, until it has started.
    started_for: Option<Box<Span>>,
}

/// Tokio allocates a task in steps of 128 bytes, and a pair's task just fits into eight of them.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Pair>() <= 584);

/// Whether a pair serves its chat.
#[derive(PartialEq)]
enum Phase {
    Starting,
    /// Subscribed: if it panics now, the registry cleans up after it.
    Serving,
    /// It only answers requests that still hold its address.
    Stopped,
}

/// What a pair needs from the registry that holds it.
pub(crate) trait RegistryHandle: Send + Sync {
    /// Removes a pair that wants to rest, unless a request is on its way to it. Returns whether it was removed.
    fn remove_if_idle(&self, key: ChatKey, pair: &Addr<Pair>) -> bool;

    /// Removes a pair whose chat is over or could not be read.
    fn remove(&self, key: ChatKey, pair: &Addr<Pair>);

    /// Called while a pair is dropped by a panic: removes its entry, its subscription and the presence of the
    /// seats whose streams end with it, the last one after the usual grace.
    fn crashed(&self, key: ChatKey, status: &Arc<PairStatus>, present: BySeat<bool>);
}

impl Pair {
    pub(crate) fn new(
        key: ChatKey,
        environment: Arc<Environment>,
        registry: Arc<dyn RegistryHandle>,
        status: Arc<PairStatus>,
        started_for: Span,
    ) -> Self {
        Self {
            started_for: Some(Box::new(started_for)),
            key,
            environment,
            registry,
            chat: Err(Refusal::Unavailable("the chat is being opened".into())),
            read_at: Duration::ZERO,
            refreshed: None,
            names: Arc::default(),
            status,
            early: BTreeMap::new(),
            catching_up: false,
            unreadable: false,
            recent: Default::default(),
            streams: Vec::new(),
            present: BySeat::default(),
            elsewhere: None,
            asks_again: false,
            changes: 0,
            cut_at: 0,
            departures: BySeat::default(),
            last_request: Instant::now(),
            asked_again: false,
            recent_numbers: asks::RecentNumbers::default(),
            rates: None,
            last_activities: None,
            phase: Phase::Starting,
        }
    }

    /// An outage of the store is logged once, where it is noticed. A chat that the store refuses to read is
    /// logged here, once.
    fn log_read_failure(&mut self, failure: &StoreError) {
        let is_news = matches!(failure, StoreError::Refused(_)) && !self.unreadable;
        let chat = self.key.fingerprint();
        if is_news {
            self.unreadable = true;
            warn!(%chat, %failure, "the store refuses to read a chat");
        } else {
            debug!(%chat, %failure, "a chat was not read");
        }
    }

    fn chat(&self) -> Result<&Chat, Refusal> {
        self.chat.as_ref().map_err(Clone::clone)
    }

    /// Whether the texts of the chat are sealed.
    fn is_encrypted(&self) -> bool {
        self.chat().is_ok_and(|chat| chat.encryption.is_some())
    }

    fn name(&self, seat: Seat) -> Option<UserName> {
        self.names[seat].clone()
    }

    /// The caller that a token belongs to, as far as this pair knows. The store has the last word.
    fn caller(&mut self, session: SecretDigest) -> Result<Caller, Refusal> {
        let (seat, _) = self.authenticate(session)?;
        Ok(Caller {
            key: self.key,
            seat,
            session,
        })
    }

    /// The seat and session of a token. Records that the session was used.
    fn authenticate(&mut self, digest: SecretDigest) -> Result<(Seat, SessionId), Refusal> {
        let sessions = &self.chat()?.sessions;
        let session = sessions.iter().find(|session| session.digest == digest);
        let session = session.ok_or_else(|| Refusal::NoSession.unconfirmed())?;
        let (seat, id) = (session.seat, session.id);
        self.record_use(id);
        Ok((seat, id))
    }

    /// Checks the proof of having the whole link, which an encrypted chat requires.
    fn check_link(&self, auth: Option<SecretDigest>) -> Result<(), Refusal> {
        match self.chat()?.encryption {
            Some(encryption) if auth != Some(encryption.auth) => {
                Err(Refusal::LinkIncomplete.unconfirmed())
            }
            _ => Ok(()),
        }
    }

    /// Replaces the copy in memory by what the store holds. Marks that are not written yet are kept.
    fn apply(&mut self, found: Result<Access<Chat>, StoreError>, ctx: &mut Context<Self>) {
        match found {
            Ok(Ok(mut chat)) => {
                if let Ok(before) = &self.chat {
                    for seat in Seat::BOTH {
                        let seen = &mut chat.seats[seat].last_seen;
                        *seen = (*seen).max(before.seats[seat].last_seen);
                    }
                    self.status.update_position(chat.position);
                } else {
                    self.status.set_position(chat.position);
                }
                self.names = Arc::new(BySeat([
                    chat.seats[Seat::One].name.clone(),
                    chat.seats[Seat::Two].name.clone(),
                ]));
                self.recent_numbers.remember(&chat.asks);
                chat.sessions.shrink_to_fit();
                let (last, known) = (chat.position.last_seq, self.status.last_seq());
                self.chat = Ok(chat);
                self.unreadable = false;
                self.read_at = self.environment.world.clock.uptime();
                self.drop_ended_sessions(ctx);
                if last > known {
                    self.catch_up(ctx);
                } else if last < known {
                    self.rewind(last, ctx);
                }
            }
            Ok(Err(_)) => self.finish(None, ctx),
            // The copy in memory stays in use until the store answers again, but not for streams: the change that it lacks may
            // have ended their sessions.
            Err(failure) if self.chat.is_ok() => {
                self.log_read_failure(&failure);
                self.cut_streams(ctx);
            }
            Err(failure) => {
                self.chat = Err(failure.into());
                self.phase = Phase::Stopped;
                self.registry.remove(self.key, &ctx.address());
                self.environment.world.bus.unsubscribe(self.key);
                ctx.stop();
            }
        }
    }

    /// Runs a call of the store in a task of its own. As a future of the actor it would not be polled while a
    /// change blocks the mailbox, and would hold one of the store's few connections in the middle of a call.
    async fn in_own_task<T: 'static>(work: impl Future<Output = T> + 'static) -> T {
        let done = actix::spawn(work.in_current_span()).await;
        done.unwrap_or_else(|failed| panic::resume_unwind(failed.into_panic()))
    }

    /// Asks the store whether a token's session is alive, and for the `seq` of the last message. Calls `then` if it is,
    /// which makes the reply; other requests are handled meanwhile.
    fn in_session<R: 'static>(
        &mut self,
        session: SecretDigest,
        then: impl FnOnce(&mut Self, Caller, Seq, &mut Context<Self>) -> Result<R, Refusal> + 'static,
    ) -> ResponseActFuture<Self, Result<R, Refusal>> {
        let checks = self.environment.session_checks.clone();
        let caller = self.caller(session);
        let checked = async move { checks.check(caller?).await };
        let checked = checked.into_actor(self);
        Box::pin(
            checked.map(move |checked, pair: &mut Self, ctx| match checked {
                Ok(last) => {
                    // The session may have ended here while the store's answer waited for the mailbox.
                    let caller = pair.caller(session)?;
                    then(pair, caller, last, ctx)
                }
                Err(refusal) => {
                    if refusal == Refusal::Gone {
                        pair.finish(None, ctx);
                    }
                    Err(refusal)
                }
            }),
        )
    }

    fn store(&self) -> Arc<dyn Store> {
        self.environment.world.store.clone()
    }

    /// Reads the chat from the store.
    fn load(&self) -> impl Future<Output = Result<Access<Chat>, StoreError>> + use<> {
        let (store, key) = (self.store(), self.key);
        async move { store.load(key).await }
    }

    /// Publishes a notice to the other instances.
    fn publish(&self, notice: Notice) {
        self.environment.world.bus.publish(self.key, notice);
    }

    /// Queues a write that may be a moment late.
    fn defer(&self, write: DeferredWrite) {
        self.environment.deferred.push(self.key, write);
    }

    /// Tells the other instances and the streams here what happened.
    fn announce(&mut self, notice: Notice) {
        self.publish(notice.clone());
        self.broadcast(notice);
    }

    fn announce_seat(&mut self, seat: Seat, change: SeatChange) {
        self.announce(Notice::Seat { seat, change });
    }
}

impl Actor for Pair {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.phase = Phase::Serving;
        self.tick_later(ctx);
        let world = self.environment.world.clone();
        let key = self.key;
        let open = async move {
            if let Err(failure) = world.bus.subscribe(key).await {
                // An outage of the bus is logged once, where it is noticed.
                debug!(chat = %key.fingerprint(), %failure, "opened without the bus");
            }
            let elsewhere = world.bus.open_elsewhere(key).await.ok();
            (world.store.load(key).await, elsewhere)
        };
        let span = self
            .started_for
            .take()
            .map_or_else(Span::none, |span| *span);
        let open = open.instrument(span.clone()).into_actor(self);
        ctx.wait(open.map(move |(found, elsewhere), pair, ctx| {
            let _of_request = span.enter();
            pair.set_elsewhere(elsewhere, ctx);
            pair.apply(found, ctx);
        }));
    }
}

/// A handler that panics drops its pair, which reports that to the registry while it unwinds. Pairs that are
/// dropped because the instance stops report nothing.
impl Drop for Pair {
    fn drop(&mut self) {
        if self.phase == Phase::Serving && std::thread::panicking() {
            self.registry.crashed(self.key, &self.status, self.present);
        }
    }
}

/// A pair stops only after it was removed from the registry. If a request still holds its address, the
/// supervisor starts it again to answer that request from memory. It opens nothing then, and is dropped with
/// the last address.
impl Supervised for Pair {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.phase = Phase::Stopped;
    }
}
