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
mod rewind;
mod seats;
mod sessions;
mod streams;
mod ticks;

use std::{
    collections::BTreeMap,
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, AtomicResponse, Context, Handler, Message,
    Supervised, WrapFuture,
};
use governor::{DefaultDirectRateLimiter, Quota};
use tracing::warn;

pub use asks::{Answer, AskIn, AskStanding, AskStateOf, ReplacedBy};
pub use ending::EndChat;
pub(crate) use ending::Over;
pub use hello::{Look, Opened};
pub use history::History;
pub(crate) use messages::{Audited, CatchUp, Relayed};
pub use messages::{Receipt, SendMessage, Sent, Typing};
pub(crate) use news::{News, QueuedNews};
pub use seats::{
    DeviceCode, Glance, Glanced, LoggedIn, Login, LoginProof, NameSeatTwo, NewReturnCode, SeatOf,
};
pub use sessions::{EndSession, Logout, Sessions};
use streams::MoveStreams;
pub use streams::{Attach, Attached, Detach, OpenStream, StreamId};

use crate::{
    PairRegistry, Refusal,
    domain::{
        BySeat, Caller, Chat, ChatKey, Event, Names, Seat, SeatChange, SecretDigest, Seq,
        SessionId, Timestamp, UserName,
    },
    ports::{DeferredWrite, Lookup, Notice, StoreError},
    registry::{Shared, Usage},
};

/// How old a session's last use may be before it is noted again.
const SESSION_SEEN_STEP: Duration = Duration::from_secs(60);

/// The actor of one chat.
pub struct Pair {
    key: ChatKey,
    pairs: PairRegistry,
    shared: Arc<Shared>,
    /// The chat, messages aside; or why there is none to serve.
    chat: Result<Chat, Refusal>,
    /// The machine's uptime when the chat was last read from the store.
    read_at: Duration,
    names: Arc<Names>,
    /// Knows the place of the last message that the streams were given.
    usage: Arc<Usage>,
    /// Messages that came ahead of their turn.
    early: BTreeMap<Seq, Arc<crate::domain::Message>>,
    catching_up: bool,
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
    limits: Option<Box<SeatLimits>>,
    last_typing: BySeat<Option<Instant>>,
    /// It has subscribed, and has not left: a panic leaves that for others to take back.
    in_service: bool,
    /// It has stopped once, and only answers whoever still holds its address.
    retired: bool,
}

/// Made when first needed: most chats in memory are idle.
struct SeatLimits {
    sends: BySeat<DefaultDirectRateLimiter>,
    logins: DefaultDirectRateLimiter,
}

impl Pair {
    pub(crate) fn new(key: ChatKey, pairs: PairRegistry, usage: Arc<Usage>) -> Self {
        Self {
            key,
            shared: pairs.shared().clone(),
            pairs,
            chat: Err(Refusal::Unavailable("the chat is being opened".into())),
            read_at: Duration::ZERO,
            names: Arc::default(),
            usage,
            early: BTreeMap::new(),
            catching_up: false,
            recent: Default::default(),
            streams: Vec::new(),
            present: BySeat::default(),
            elsewhere: None,
            changes: 0,
            departures: BySeat::default(),
            last_request: Instant::now(),
            limits: None,
            last_typing: BySeat::default(),
            in_service: false,
            retired: false,
        }
    }

    fn chat(&self) -> Result<&Chat, Refusal> {
        self.chat.as_ref().map_err(Clone::clone)
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
        let now = self.shared.world.clock.now();
        let chat = self.chat.as_mut().map_err(|refusal| refusal.clone())?;
        let session = chat
            .sessions
            .iter_mut()
            .find(|session| session.digest == digest)
            .ok_or(Refusal::UnknownSession)?;
        let stale = |seen: Timestamp| now.since(seen) >= SESSION_SEEN_STEP;
        if session.last_seen.is_none_or(stale) {
            session.last_seen = Some(now);
            self.shared
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
                let (last, known) = (chat.last_seq, self.usage.position());
                self.chat = Ok(chat);
                self.read_at = self.shared.world.clock.uptime();
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
                warn!(chat = %self.key.fingerprint(), %failure, "the chat was not read again");
            }
            Err(failure) => {
                self.chat = Err(failure.into());
                self.in_service = false;
                self.pairs.dismiss(self.key, &ctx.address());
                self.shared.world.bus.unsubscribe(self.key);
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
        let store = self.shared.world.store.clone();
        let key = self.key;
        let work = async move {
            let done = change.await?;
            Ok((done, store.load(key).await))
        };
        AtomicResponse::new(Box::pin(work.into_actor(self).map(
            |worked: Result<_, Refusal>, pair: &mut Self, ctx| {
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
        let done = actix::spawn(work).await;
        done.unwrap_or_else(|failed| panic::resume_unwind(failed.into_panic()))
    }

    /// Asks the store whether a token's session is alive, and for the `seq` of the last message.
    fn check(
        &mut self,
        session: SecretDigest,
    ) -> impl Future<Output = Result<(Caller, Seq), Refusal>> + use<> {
        let checks = self.shared.session_checks.clone();
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
        self.shared
            .world
            .bus
            .publish(self.key, Notice::Seat(seat, change));
        let user = self.name(seat);
        self.broadcast(&Event::Seat { seat, user, change });
    }

    fn limits(&mut self) -> &SeatLimits {
        let limits = &self.shared.limits;
        self.limits.get_or_insert_with(|| {
            let at_least_one = |number: u32| number.max(1).try_into().expect("not zero");
            let sends = || {
                let rate = Quota::per_second(at_least_one(limits.sends_per_seat_per_second));
                let quota = rate.allow_burst(at_least_one(limits.sends_per_seat_burst));
                DefaultDirectRateLimiter::direct(quota)
            };
            let logins = Quota::per_minute(at_least_one(limits.logins_per_chat_per_minute));
            Box::new(SeatLimits {
                sends: BySeat([sends(), sends()]),
                logins: DefaultDirectRateLimiter::direct(logins),
            })
        })
    }

    fn check_login_rate(&mut self) -> Result<(), Refusal> {
        check_rate(&self.limits().logins)
    }
}

fn check_rate(limiter: &DefaultDirectRateLimiter) -> Result<(), Refusal> {
    use governor::clock::{Clock, DefaultClock};
    limiter.check().map_err(|not_until| Refusal::TooMany {
        retry_after: not_until.wait_time_from(DefaultClock::default().now()),
    })
}

impl Actor for Pair {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.retired {
            return;
        }
        self.in_service = true;
        self.tick_later(ctx);
        let world = self.shared.world.clone();
        let key = self.key;
        let open = async move {
            if let Err(failure) = world.bus.subscribe(key).await {
                warn!(chat = %key.fingerprint(), %failure, "opened without the bus");
            }
            let elsewhere = world.bus.open_elsewhere(key).await.ok();
            (world.store.load(key).await, elsewhere)
        };
        ctx.wait(open.into_actor(self).map(|(found, elsewhere), pair, ctx| {
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
            self.pairs.crashed(self.key, &self.usage, self.present);
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

/// What a door may ask of a pair.
pub trait Request:
    Message<Result = Result<Self::Reply, Refusal>> + Clone + std::marker::Send + 'static
{
    /// What it answers.
    type Reply: std::marker::Send + 'static;
}

impl<M, R> Request for M
where
    M: Message<Result = Result<R, Refusal>> + Clone + std::marker::Send + 'static,
    R: std::marker::Send + 'static,
{
    type Reply = R;
}

/// A request on its way through the registry. It is not `Clone`, and so no request itself.
pub struct Visit<M> {
    pub(crate) message: M,
    /// Set while the pair is busy with it alone: whether a panic was this request's own doing.
    pub(crate) begun: Arc<AtomicBool>,
}

impl<M: Request> Message for Visit<M> {
    type Result = M::Result;
}

/// What the doors may ask. (One impl each: a generic one would have to exclude itself.) Those that
/// hold the mailbox until they are answered are to blame for a panic until then; while the others
/// wait for the store, what panics is something else, and they may be asked again.
macro_rules! receive {
    (holding the mailbox: $($holding:ty),*; beside others: $($beside:ty),* $(,)?) => {
        receive!(@ true: $($holding),*);
        receive!(@ false: $($beside),*);
    };
    (@ $holds:literal: $($request:ty),*) => {$(
        impl Handler<Visit<$request>> for Pair {
            type Result = <Self as Handler<$request>>::Result;

            fn handle(&mut self, visit: Visit<$request>, ctx: &mut Self::Context) -> Self::Result {
                visit.begun.store(true, Ordering::Release);
                self.last_request = Instant::now();
                let answer = Handler::<$request>::handle(self, visit.message, ctx);
                visit.begun.store($holds, Ordering::Release);
                answer
            }
        }
    )*};
}

receive! {
    holding the mailbox: Answer, AskIn, DeviceCode, EndChat, EndSession, Login, Logout,
        NameSeatTwo, NewReturnCode, Sessions;
    beside others: AskStateOf, Attach, Glance, History, Look, OpenStream, Receipt, ReplacedBy,
        SeatOf, SendMessage, Typing,
}

/// Reads the chat from the store again: a token is not known here, and the store may know it; or
/// the instance slept. Refused when the store cannot be read.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub(crate) struct Refresh;

impl Handler<Refresh> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, _: Refresh, _: &mut Self::Context) -> Self::Result {
        let store = self.shared.world.store.clone();
        let key = self.key;
        let load = async move { store.load(key).await };
        AtomicResponse::new(Box::pin(load.into_actor(self).map(
            |found, pair: &mut Self, ctx| {
                let read = found
                    .as_ref()
                    .map(|_| ())
                    .map_err(|error| error.clone().into());
                if pair.chat.is_ok() {
                    pair.apply(found, ctx);
                }
                read
            },
        )))
    }
}
