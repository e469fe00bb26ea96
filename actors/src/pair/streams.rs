//! Open streams and who is there.
//!
//! A stream is opened in two steps, so that nothing falls between: its position is read from the
//! store, after the pair has subscribed to the bus; then it replays by pulling pages, and attaches
//! again and again until it has reached the place where the pair is, which flips it to live.
//!
//! A live stream that does not take what it is told is put back to reading from the store, at its
//! client's pace; nothing is buffered for it. The pair holds the only address of a stream. To drop
//! it ends the stream: so do a client that takes nothing for long, a session that ends, and a pair
//! that panics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Context, Handler, Recipient, ResponseActFuture, dev::SendError};
use tracing::debug;

use super::{Opened, Pair, usage::Streaming};
use crate::{
    Refusal,
    domain::{Event, Hello, Message, Seat, SecretDigest, Seq, SessionId},
    metrics::Counted,
};

/// After this long without an event a stream is told that the line is still up: within fifteen
/// seconds it hears so.
const QUIET: Duration = Duration::from_millis(14_500);
/// So much ahead of its time it is told together with others of its chat.
const QUIET_SLACK: Duration = Duration::from_secs(5);
/// A stream that is behind and has not read on for so long is cut off.
const STALLED: Duration = Duration::from_secs(30);
/// How long a stream may take to write the last thing it is told.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long to wait before coming back when there are too many streams.
const TOO_MANY_STREAMS_RETRY: Duration = Duration::from_secs(5);

/// Names one open stream within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamId(u64);

impl StreamId {
    /// One that no other stream of the process has.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A stream that this pair feeds, or will feed when it has caught up.
pub(super) struct Open {
    id: StreamId,
    pub(super) seat: Seat,
    session: SessionId,
    feed: Feed,
    /// The last place it had written when it attached.
    position: Seq,
    last_event: Instant,
    _counted: (Counted, Arc<()>, Streaming),
}

/// How a stream gets its events.
enum Feed {
    /// It still pulls what it missed; the address is kept for when it is done.
    Replaying(Recipient<Event>),
    /// It is told everything.
    Live(Recipient<Event>),
    /// It did not take what it was told, and was told to read on from the store instead.
    Behind(Recipient<Event>),
    /// It has gone.
    Gone,
}

impl Open {
    fn is_dead(&self) -> bool {
        match &self.feed {
            Feed::Replaying(to) | Feed::Live(to) | Feed::Behind(to) => !to.connected(),
            Feed::Gone => true,
        }
    }

    /// When the pair has to look at it, if nothing happens before.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let patience = match self.feed {
            Feed::Live(_) => QUIET,
            Feed::Behind(_) => STALLED,
            Feed::Replaying(_) | Feed::Gone => return None,
        };
        Some(patience.saturating_sub(self.last_event.elapsed()))
    }

    /// Whether its client has not taken anything for a while.
    fn is_stalled(&self) -> bool {
        matches!(self.feed, Feed::Behind(_)) && self.last_event.elapsed() >= STALLED
    }
}

/// Asks for a stream.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<Opened, Refusal>")]
pub struct OpenStream {
    /// The reader's token.
    pub by: SecretDigest,
    /// The last place the client has seen; `None` starts at the present.
    pub after: Option<Seq>,
}

/// Asks to be fed from here on.
#[derive(Clone, actix::Message)]
#[rtype(result = "Result<Attached, Refusal>")]
pub struct Attach {
    /// The reader's token.
    pub by: SecretDigest,
    /// The stream's name.
    pub stream: StreamId,
    /// The last place it has written.
    pub position: Seq,
    /// From [`Opened`].
    pub changes: u64,
    /// Where events go.
    pub to: Recipient<Event>,
}

/// Whether a stream is now fed.
#[derive(Debug, Clone)]
pub enum Attached {
    /// It is live; where things changed while it replayed, a fresh hello.
    Live(Option<Box<Hello>>),
    /// There is more to read first.
    Behind,
}

/// A stream has ended.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "()")]
pub struct Detach(pub StreamId);

/// The instance is on its way out: streams end, and are opened again elsewhere.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct MoveStreams;

impl Handler<MoveStreams> for Pair {
    type Result = ();

    fn handle(&mut self, _: MoveStreams, ctx: &mut Self::Context) {
        let seats: Vec<Seat> = self.streams.iter().map(|open| open.seat).collect();
        self.environment
            .metrics
            .streams_moved
            .inc_by(seats.len() as u64);
        self.say_goodbye(&Event::Moved);
        for seat in seats {
            self.departed(seat, ctx);
        }
    }
}

impl Handler<OpenStream> for Pair {
    type Result = ResponseActFuture<Self, Result<Opened, Refusal>>;

    fn handle(&mut self, open: OpenStream, _: &mut Self::Context) -> Self::Result {
        let room = self
            .who(open.by)
            .and_then(|(seat, _)| self.check_room(seat));
        match room {
            Ok(()) => self.look(open.by, open.after),
            Err(refusal) => Box::pin(actix::fut::ready(Err(refusal))),
        }
    }
}

impl Handler<Attach> for Pair {
    type Result = Result<Attached, Refusal>;

    fn handle(&mut self, attach: Attach, _: &mut Self::Context) -> Self::Result {
        let (seat, session) = self.who(attach.by)?;
        // Asked before it arrives, which is no news to itself.
        let changed = attach.changes != self.changes;
        let live = attach.position >= self.usage.position();
        let feed = match live {
            true => Feed::Live(attach.to),
            false => Feed::Replaying(attach.to),
        };
        match self
            .streams
            .iter_mut()
            .find(|open| open.id == attach.stream)
        {
            Some(open) => {
                open.feed = feed;
                open.position = attach.position;
            }
            None => {
                self.check_room(seat)?;
                self.arrived(seat);
                self.streams.push(Open {
                    id: attach.stream,
                    seat,
                    session,
                    feed,
                    position: attach.position,
                    last_event: Instant::now(),
                    _counted: (
                        Counted::new(&self.environment.metrics.streams),
                        self.environment.streams.clone(),
                        Streaming::of(&self.usage),
                    ),
                });
            }
        }
        match live {
            false => Ok(Attached::Behind),
            true if changed => {
                let hello = self.hello(seat, attach.position)?;
                Ok(Attached::Live(Some(Box::new(hello))))
            }
            true => Ok(Attached::Live(None)),
        }
    }
}

impl Handler<Detach> for Pair {
    type Result = ();

    fn handle(&mut self, Detach(id): Detach, ctx: &mut Self::Context) {
        let Some(place) = self.streams.iter().position(|open| open.id == id) else {
            return;
        };
        let seat = self.streams.swap_remove(place).seat;
        self.departed(seat, ctx);
    }
}

impl Pair {
    fn check_room(&self, seat: Seat) -> Result<(), Refusal> {
        let limits = &self.environment.limits;
        let at_seat = self.streams.iter().filter(|open| open.seat == seat).count();
        // Every open stream holds one, and the instance itself one more.
        let everywhere = Arc::strong_count(&self.environment.streams) - 1;
        if at_seat >= limits.streams_per_seat_max || everywhere >= limits.streams_max {
            return Err(Refusal::TooMany {
                retry_after: TOO_MANY_STREAMS_RETRY,
            });
        }
        Ok(())
    }

    /// Tells every live stream something that is not a message.
    pub(super) fn broadcast(&mut self, event: &Event) {
        self.changes += 1;
        self.send_out(event);
    }

    /// Gives an event to every live stream; answers how many took it.
    pub(super) fn send_out(&mut self, event: &Event) -> u64 {
        self.send_where(event, |_| true)
    }

    /// Gives a message to every live stream that has not read it from the store by itself, which
    /// it may do before the pair hears of it.
    pub(super) fn send_message(&mut self, message: Arc<Message>) -> u64 {
        let seq = message.seq;
        let event = Event::Message(message, self.names.clone());
        self.send_where(&event, |open| open.position < seq)
    }

    pub(super) fn send_where(&mut self, event: &Event, which: impl Fn(&Open) -> bool) -> u64 {
        let mut taken = 0;
        for open in self.streams.iter_mut().filter(|open| which(open)) {
            let Feed::Live(to) = &open.feed else { continue };
            match to.try_send(event.clone()) {
                Ok(()) => {
                    open.last_event = Instant::now();
                    taken += 1;
                }
                Err(SendError::Full(_)) => {
                    // One word more than its box holds; it gets no other before it has caught up.
                    to.do_send(Event::Behind);
                    open.feed = Feed::Behind(to.clone());
                }
                Err(SendError::Closed(_)) => open.feed = Feed::Gone,
            }
        }
        taken
    }

    /// Tells quiet streams that the line is up, and forgets those that have gone.
    pub(super) fn drop_dead_streams(&mut self, ctx: &mut Context<Self>) {
        let quiet = |open: &Open| open.last_event.elapsed() + QUIET_SLACK >= QUIET;
        self.send_where(&Event::Quiet, quiet);
        self.drop_streams(Open::is_dead, ctx);
        let stalled = self.streams.iter().filter(|open| open.is_stalled()).count();
        if stalled > 0 {
            debug!(chat = %self.key.fingerprint(), stalled, "streams are cut off: nobody reads them");
            self.environment.metrics.streams_cut.inc_by(stalled as u64);
            self.drop_streams(Open::is_stalled, ctx);
        }
    }

    /// Drops the streams of sessions that have ended.
    pub(super) fn drop_ended_sessions(&mut self, ctx: &mut Context<Self>) {
        let Ok(chat) = &self.chat else { return };
        let live: Vec<SessionId> = chat.sessions.iter().map(|session| session.id).collect();
        self.drop_streams(|open| !live.contains(&open.session), ctx);
    }

    /// Has the streams go on from a lower place. Those that are reading from the store may have read
    /// beyond it: they end, and come back.
    pub(super) fn rewind_streams(&mut self, last: Seq, ctx: &mut Context<Self>) {
        self.drop_streams(|open| !matches!(open.feed, Feed::Live(_)), ctx);
        for open in &mut self.streams {
            open.position = open.position.min(last);
        }
    }

    fn drop_streams(&mut self, which: impl Fn(&Open) -> bool, ctx: &mut Context<Self>) {
        let mut left = Vec::new();
        self.streams.retain(|open| {
            let drop = which(open);
            if drop {
                left.push(open.seat);
            }
            !drop
        });
        for seat in left {
            self.departed(seat, ctx);
        }
    }

    /// Tells the streams a last thing. Their addresses are kept until they have had time to say
    /// it: a stream without an address ends at once.
    pub(super) fn say_goodbye(&mut self, last: &Event) {
        self.send_out(last);
        let feeds: Vec<Feed> = self.streams.drain(..).map(|open| open.feed).collect();
        if !feeds.is_empty() {
            actix::spawn(async move {
                tokio::time::sleep(GOODBYE).await;
                drop(feeds);
            });
        }
    }
}
