//! One chat's supervised actor: its seats, its sessions, who is there, the order of its messages.
//!
//! It is started from the store on the first request and goes to rest after a minute without
//! streams and requests. The bus is subscribed before the store is read, so that nothing falls
//! between. A send does not hold the mailbox while it becomes durable: it goes to the journal,
//! and the commit comes back as a message. The rare changes of seats and sessions do hold it, so
//! that they are applied in the order in which the store made them; after each the pair reads its
//! chat again rather than guess what the store now holds.
//!
//! What it holds is a copy. Messages are never served from memory: the store is asked, and it
//! answers nothing once the chat is over.

mod asks;
mod ending;
mod hello;
mod history;
mod messages;
mod news;
mod presence;
mod rates;
mod receipts;
mod relayed;
mod requests;
mod rewind;
mod seats;
mod sessions;
mod streams;
mod ticks;
mod typing;
mod usage;

use std::{
    collections::BTreeMap,
    panic,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, AtomicResponse, Context, Supervised,
    WrapFuture,
};
use tracing::{Instrument, Span, debug, warn};

pub use asks::{Answer, AskIn, AskStanding, AskStateOf, ReplacedBy};
pub use ending::EndChat;
pub(crate) use ending::Over;
pub use hello::{Look, Opened};
pub use history::History;
pub use messages::SendMessage;
pub(crate) use news::{News, QueuedNews};
pub use receipts::Receipt;
pub(crate) use relayed::{Audited, CatchUp, Relayed};
pub(crate) use requests::{Refresh, Request, Visit};
pub use seats::{
    DeviceCode, Glance, Glanced, LoggedIn, Login, LoginProof, NameSeatTwo, NewReturnCode, SeatOf,
};
pub use sessions::{EndSession, Logout, Sessions};
use streams::MoveStreams;
pub use streams::{Attach, Attached, Detach, OpenStream, StreamId};
pub use typing::Typing;
pub(crate) use usage::Usage;

use crate::{
    Refusal,
    domain::{
        BySeat, Caller, Chat, ChatKey, Event, Names, Seat, SeatChange, SecretDigest, Seq,
        SessionId, Timestamp, UserName,
    },
    environment::Environment,
    ports::{DeferredWrite, Lookup, Notice, StoreError},
    tasks::journal::CommitListener,
};

/// How old a session's last use may be before it is noted again.
const SESSION_SEEN_STEP: Duration = Duration::from_secs(60);

/// The actor of one chat.
pub struct Pair {
    key: ChatKey,
    environment: Arc<Environment>,
    keeper: Arc<dyn Keeper>,
    /// The chat, messages aside; or why there is none to serve.
    chat: Result<Chat, Refusal>,
    /// The machine's uptime when the chat was last read from the store.
    read_at: Duration,
    /// When it began to be read for a token that was not known, or after a sleep.
    refreshed: Option<Instant>,
    names: Arc<Names>,
    /// Knows the place of the last message that the streams were given.
    usage: Arc<Usage>,
    /// Messages that came ahead of their turn.
    early: BTreeMap<Seq, Arc<crate::domain::Message>>,
    catching_up: bool,
    /// The store refuses to read the chat, and that was logged.
    unreadable: bool,
    recent: rewind::Recent,
    streams: Vec<streams::Open>,
    /// Who is there, as far as it was announced.
    present: BySeat<bool>,
    /// At which seats another instance has a stream open; `None` while the bus cannot say.
    elsewhere: Option<BySeat<bool>>,
    /// Counts what a stream is told beside messages, so that one which was replaying meanwhile
    /// knows that its hello is out of date.
    changes: u64,
    /// Counts how often a seat's last stream closed, so that each leaving has its own grace.
    departures: BySeat<u64>,
    last_request: Instant,
    rates: Option<Box<rates::Rates>>,
    recent_numbers: asks::RecentNumbers,
    last_typing: BySeat<Option<Instant>>,
    /// It has subscribed, and has not left: a panic leaves that for others to take back.
    in_service: bool,
    /// It has stopped once, and only answers whoever still holds its address.
    retired: bool,
    /// Of the request that it was started for.
    started_for: Span,
}

/// What a pair needs of the registry it stands in, which also hears what the journal has committed
/// for the pair.
pub(crate) trait Keeper: CommitListener {
    /// Lets a pair go to rest: out of the registry, unless a request is on its way to it.
    fn leave(&self, key: ChatKey, pair: &Addr<Pair>) -> bool;

    /// Takes out a pair whose chat is over, or could not be opened.
    fn dismiss(&self, key: ChatKey, pair: &Addr<Pair>);

    /// A pair is being dropped by a panic: it leaves neither its entry nor its subscription nor the
    /// presence of those whose streams end with it. Who is back after the grace was never gone.
    fn crashed(&self, key: ChatKey, usage: &Arc<Usage>, present: BySeat<bool>);
}

impl Pair {
    pub(crate) fn new(
        key: ChatKey,
        environment: Arc<Environment>,
        keeper: Arc<dyn Keeper>,
        usage: Arc<Usage>,
        started_for: Span,
    ) -> Self {
        Self {
            started_for,
            key,
            environment,
            keeper,
            chat: Err(Refusal::Unavailable("the chat is being opened".into())),
            read_at: Duration::ZERO,
            refreshed: None,
            names: Arc::default(),
            usage,
            early: BTreeMap::new(),
            catching_up: false,
            unreadable: false,
            recent: Default::default(),
            streams: Vec::new(),
            present: BySeat::default(),
            elsewhere: None,
            changes: 0,
            departures: BySeat::default(),
            last_request: Instant::now(),
            rates: None,
            recent_numbers: asks::RecentNumbers::default(),
            last_typing: BySeat::default(),
            in_service: false,
            retired: false,
        }
    }

    /// While the store is away no chat can be read, which is logged once where that is noticed. A chat that
    /// it refuses to read is logged by itself, once.
    fn log_unread(&mut self, failure: &StoreError) {
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

    /// Whom a token proves, as far as this pair knows: the store decides.
    fn caller(&mut self, session: SecretDigest) -> Result<Caller, Refusal> {
        let (seat, _) = self.who(session)?;
        Ok(Caller {
            key: self.key,
            seat,
            session,
        })
    }

    /// Which seat a token proves, and by which session; records that the session was used.
    fn who(&mut self, digest: SecretDigest) -> Result<(Seat, SessionId), Refusal> {
        let now = self.environment.world.clock.now();
        let chat = self.chat.as_mut().map_err(|refusal| refusal.clone())?;
        let session = chat
            .sessions
            .iter_mut()
            .find(|session| session.digest == digest)
            .ok_or(Refusal::UnknownSession)?;
        let stale = |seen: Timestamp| now.since(seen) >= SESSION_SEEN_STEP;
        if session.last_seen.is_none_or(stale) {
            session.last_seen = Some(now);
            self.environment
                .deferred
                .push(self.key, DeferredWrite::Used(session.id, now));
        }
        Ok((session.seat, session.id))
    }

    fn seat_by_name(&self, name: &UserName) -> Result<Seat, Refusal> {
        Seat::BOTH
            .into_iter()
            .find(|seat| self.names[*seat].as_ref() == Some(name))
            .ok_or(Refusal::WrongName)
    }

    /// Whether somebody who wants in has the whole link; a plain chat asks for no more than its
    /// hash. What proves it never changes, so it need not be asked of the store.
    fn check_link(&self, auth: Option<SecretDigest>) -> Result<(), Refusal> {
        match self.chat()?.encryption {
            Some(encryption) if auth != Some(encryption.auth) => Err(Refusal::LinkIncomplete),
            _ => Ok(()),
        }
    }

    /// Takes over what the store now holds. Marks that are not written yet are kept.
    fn apply(&mut self, found: Result<Lookup<Chat>, StoreError>, ctx: &mut Context<Self>) {
        match found {
            Ok(Lookup::Live(mut chat)) => {
                if let Ok(before) = &self.chat {
                    for seat in Seat::BOTH {
                        chat.seats[seat].marks.raise(before.seats[seat].marks);
                        let seen = &mut chat.seats[seat].last_seen;
                        *seen = (*seen).max(before.seats[seat].last_seen);
                    }
                } else {
                    self.usage.move_to(chat.last_seq);
                }
                self.usage.loaded(chat.revision);
                for seat in Seat::BOTH {
                    self.usage.marked(seat, chat.seats[seat].marks);
                }
                self.names = Arc::new(BySeat([
                    chat.seats[Seat::One].name.clone(),
                    chat.seats[Seat::Two].name.clone(),
                ]));
                self.recent_numbers.note(&chat.asks);
                let (last, known) = (chat.last_seq, self.usage.position());
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
            Ok(Lookup::Ended | Lookup::Missing) => self.finish(None, ctx),
            // What is held stays good until the store can be asked again.
            Err(failure) if self.chat.is_ok() => {
                self.log_unread(&failure);
            }
            Err(failure) => {
                self.chat = Err(failure.into());
                self.in_service = false;
                self.keeper.dismiss(self.key, &ctx.address());
                self.environment.world.bus.unsubscribe(self.key);
                ctx.stop();
            }
        }
    }

    /// Runs a change in the store, reads the chat again, and lets `then` tell everybody and make
    /// the answer.
    fn change<T: 'static, R: 'static>(
        &self,
        change: impl Future<Output = Result<T, Refusal>> + 'static,
        then: impl FnOnce(&mut Self, T) -> R + 'static,
    ) -> AtomicResponse<Self, Result<R, Refusal>> {
        let store = self.environment.world.store.clone();
        let key = self.key;
        let work = async move {
            let done = change.await?;
            Ok((done, store.load(key).await))
        };
        let span = Span::current();
        let work = work.instrument(span.clone());
        AtomicResponse::new(Box::pin(work.into_actor(self).map(
            move |worked: Result<_, Refusal>, pair: &mut Self, ctx| {
                let _of_request = span.enter();
                let (done, found) = worked?;
                pair.apply(found, ctx);
                Ok(then(pair, done))
            },
        )))
    }

    /// Asks the store while the mailbox goes on, as a task of its own: what holds the mailbox keeps
    /// all else of the pair from running, and whoever is kept waiting in the middle of a call keeps
    /// one of the store's few connections.
    async fn beside<T: 'static>(work: impl Future<Output = T> + 'static) -> T {
        let done = actix::spawn(work.in_current_span()).await;
        done.unwrap_or_else(|failed| panic::resume_unwind(failed.into_panic()))
    }

    /// Asks the store whether a token's session is alive, and for the `seq` of the last message.
    fn check(
        &mut self,
        session: SecretDigest,
    ) -> impl Future<Output = Result<(Caller, Seq), Refusal>> + use<> {
        let checks = self.environment.session_checks.clone();
        let caller = self.caller(session);
        async move {
            let caller = caller?;
            Ok((caller, checks.check(caller).await?))
        }
    }

    fn refuse<T: 'static>(refusal: Refusal) -> AtomicResponse<Self, Result<T, Refusal>> {
        AtomicResponse::new(Box::pin(actix::fut::ready(Err(refusal))))
    }

    /// Tells this instance's streams and every other instance about a seat.
    fn tell_seat(&mut self, seat: Seat, change: SeatChange) {
        self.environment
            .world
            .bus
            .publish(self.key, Notice::Seat(seat, change));
        let user = self.name(seat);
        self.broadcast(&Event::Seat { seat, user, change });
    }
}

impl Actor for Pair {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.retired {
            return;
        }
        self.in_service = true;
        self.tick_later(ctx);
        let world = self.environment.world.clone();
        let key = self.key;
        let open = async move {
            if let Err(failure) = world.bus.subscribe(key).await {
                // That the bus is away is logged once where it is noticed.
                debug!(chat = %key.fingerprint(), %failure, "opened without the bus");
            }
            let elsewhere = world.bus.open_elsewhere(key).await.ok();
            (world.store.load(key).await, elsewhere)
        };
        let span = std::mem::replace(&mut self.started_for, Span::none());
        let open = open.instrument(span.clone()).into_actor(self);
        ctx.wait(open.map(move |(found, elsewhere), pair, ctx| {
            let _of_request = span.enter();
            pair.elsewhere = elsewhere;
            pair.apply(found, ctx);
        }));
    }
}

/// A handler that panics drops its pair, which tells the registry while it unwinds. (Where an
/// instance is stopped, pairs are dropped as well; nothing is told then.)
impl Drop for Pair {
    fn drop(&mut self) {
        if self.in_service && std::thread::panicking() {
            self.keeper.crashed(self.key, &self.usage, self.present);
        }
    }
}

/// A pair stops only when it is out of the registry. Where a request still holds its address the
/// supervisor starts it again, to answer that request out of what it holds; it opens nothing then,
/// and is gone with the last address.
impl Supervised for Pair {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.retired = true;
    }
}
