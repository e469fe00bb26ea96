//! Open streams.
//!
//! A stream is opened in two steps, so that it misses nothing: the pair subscribes to the bus and then reads the
//! chat's position from the store; the stream replays by pulling pages, and attaches again and again until it has
//! reached the pair's last `seq`, which makes it live.
//!
//! A live stream that does not take its events goes back to pulling pages at its client's pace; nothing is
//! buffered for it. The pair holds the only address of a stream, so dropping the entry ends the stream. That
//! happens when a client takes nothing for long, when its session ends, and when the pair panics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{ActorFutureExt, Context, Handler, Recipient, ResponseActFuture, dev::SendError};
use tracing::debug;

use super::{CountGuard, Pair, Snapshot, requests::receive, sessions::SEEN_STEP};
use crate::{
    Refusal,
    domain::{Event, Hello, Message, Notice, Seat, SecretDigest, Seq, SessionId},
    metrics::GaugeGuard,
};

/// A stream that is behind and has not pulled a page for this long is cut off.
pub(super) const STALLED: Duration = Duration::from_secs(30);
/// How long a stream may take to write its last event.
const LAST_EVENT_GRACE: Duration = Duration::from_secs(5);
/// `Retry-After` when there are too many streams.
const TOO_MANY_STREAMS_RETRY: Duration = Duration::from_secs(5);

/// The id of an open stream, unique within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamId(u64);

impl StreamId {
    /// A fresh id.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A stream that this pair feeds, or will feed when it has caught up.
pub(super) struct StreamEntry {
    id: StreamId,
    pub(super) seat: Seat,
    pub(super) session: SessionId,
    to: Recipient<Event>,
    feed: Feed,
    /// The last `seq` it had written when it attached.
    pub(super) position: Seq,
    _counted: (GaugeGuard, StreamSlot),
}

/// A stream's place within the limits, held from its opening on: a stream that is answered with a 200 is not refused when
/// it attaches.
#[derive(Clone)]
pub struct StreamSlot(Arc<(CountGuard, Arc<()>)>);

/// How a stream gets its events.
enum Feed {
    /// It pulls pages from the store until it has caught up.
    Replaying {
        /// Whether it was live before and did not take its events.
        fell_behind: bool,
    },
    /// It gets every event.
    Live,
    /// Its mailbox was full then, and it was told to pull pages from the store.
    Behind(Instant),
}

impl StreamEntry {
    fn is_dead(&self) -> bool {
        !self.to.connected()
    }

    /// When the pair has to cut it off, if its client takes nothing until then.
    pub(super) fn cut_in(&self) -> Option<Duration> {
        match self.feed {
            Feed::Behind(since) => Some(STALLED.saturating_sub(since.elapsed())),
            Feed::Replaying { .. } | Feed::Live => None,
        }
    }

    /// Whether it has missed events that its client has still not taken.
    fn fell_behind(&self) -> bool {
        match self.feed {
            Feed::Behind(_) => true,
            Feed::Replaying { fell_behind } => fell_behind,
            Feed::Live => false,
        }
    }

    /// Whether its client has not taken anything for a while.
    fn is_stalled(&self) -> bool {
        self.cut_in().is_some_and(|left| left.is_zero())
    }
}

/// Opens a stream.
#[derive(Debug, Clone)]
pub struct OpenStream {
    /// The reader's token.
    pub by: SecretDigest,
    /// The last `seq` the client has seen; `None` starts at the present.
    pub after: Option<Seq>,
}

/// A stream that is open and not attached yet.
pub struct OpenedStream {
    /// The state of the chat, from which on it gets events.
    pub snapshot: Snapshot,
    /// For [`Attach`].
    pub slot: StreamSlot,
}

/// Asks for live events from here on.
#[derive(Clone)]
pub struct Attach {
    /// The reader's token.
    pub by: SecretDigest,
    /// The stream's id.
    pub stream: StreamId,
    /// The last `seq` it has written.
    pub position: Seq,
    /// From [`Snapshot`], and later from [`Attached::Behind`].
    pub changes: u64,
    /// Where events go.
    pub to: Recipient<Event>,
    /// From [`OpenedStream`], the first time.
    pub slot: Option<StreamSlot>,
}

/// Whether a stream now gets live events.
#[derive(Debug, Clone)]
pub enum Attached {
    /// It is live; with a fresh hello if something changed while it replayed.
    Live(Option<Box<Hello>>),
    /// There is more to read first; with [`Attach::changes`] for the next time.
    Behind(u64),
}

/// A stream has ended.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "()")]
pub struct Detach(pub StreamId);

/// Refuses a stream that was being opened while the others were cut off.
fn cut_off() -> Refusal {
    Refusal::Unavailable("the chat's streams were cut off while this one was being opened".into())
}

receive!(CONCURRENT: OpenStream => OpenedStream);

impl Handler<OpenStream> for Pair {
    type Result = ResponseActFuture<Self, Result<OpenedStream, Refusal>>;

    fn handle(&mut self, open: OpenStream, _: &mut Self::Context) -> Self::Result {
        let slot = self
            .authenticate(open.by)
            .and_then(|(seat, _)| self.take_slot(seat));
        let cut_at = self.cut_at;
        match slot {
            Ok(slot) => {
                let snapshot = self.snapshot(open.by, open.after);
                Box::pin(snapshot.map(move |snapshot, pair: &mut Self, _| {
                    let snapshot = snapshot?;
                    match pair.cut_at == cut_at {
                        true => Ok(OpenedStream { snapshot, slot }),
                        false => Err(cut_off()),
                    }
                }))
            }
            Err(refusal) => Box::pin(actix::fut::ready(Err(refusal))),
        }
    }
}

receive!(CONCURRENT: Attach => Attached);

impl Handler<Attach> for Pair {
    type Result = Result<Attached, Refusal>;

    fn handle(&mut self, attach: Attach, _: &mut Self::Context) -> Self::Result {
        let (seat, session) = self.authenticate(attach.by)?;
        // Compared before its own arrival changes the counter.
        let changed = attach.changes != self.changes;
        let live = attach.position >= self.status.last_seq();
        let open = self
            .streams
            .iter_mut()
            .find(|open| open.id == attach.stream);
        let fell_behind = open.as_ref().is_some_and(|open| open.fell_behind());
        let feed = match live {
            true => Feed::Live,
            false => Feed::Replaying { fell_behind },
        };
        match open {
            Some(open) => {
                (open.to, open.feed) = (attach.to, feed);
                open.position = attach.position;
            }
            None if attach.changes < self.cut_at => return Err(cut_off()),
            None => {
                let is_ours = |slot: &StreamSlot| slot.0.0.is_of(&self.status);
                let slot = match attach.slot.filter(is_ours) {
                    Some(slot) => slot,
                    None => self.take_slot(seat)?,
                };
                self.arrived(seat);
                // One by one: mostly a chat has no more than one or two here.
                self.streams.reserve_exact(1);
                self.streams.push(StreamEntry {
                    id: attach.stream,
                    seat,
                    session,
                    to: attach.to,
                    feed,
                    position: attach.position,
                    _counted: (GaugeGuard::new(&self.environment.metrics.streams), slot),
                });
            }
        }
        match live {
            // Its own arrival is nothing new to it.
            false if !changed => Ok(Attached::Behind(self.changes)),
            false => Ok(Attached::Behind(attach.changes)),
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
        let closed = self.streams.swap_remove(place);
        self.count_cut(&closed);
        self.record_use(closed.session);
        self.departed(closed.seat, ctx);
    }
}

impl Pair {
    fn take_slot(&self, seat: Seat) -> Result<StreamSlot, Refusal> {
        let (limits, streams) = (&self.environment.limits, &self.environment.streams);
        // Every slot holds a clone, and the environment the original.
        let everywhere = Arc::strong_count(streams) - 1;
        if self.status.streams(seat) >= limits.streams_per_seat_max
            || everywhere >= limits.streams_max
        {
            return Err(Refusal::TooMany {
                retry_after: TOO_MANY_STREAMS_RETRY,
            });
        }
        let counted = self.status.count_stream(seat);
        Ok(StreamSlot(Arc::new((counted, streams.clone()))))
    }

    /// Tells every live stream what happened, other than a message.
    pub(super) fn broadcast(&mut self, notice: Notice) {
        self.changes += 1;
        self.send_out(&Event::Notice(notice, self.names.clone()));
    }

    /// Sends an event to every live stream; returns how many took it.
    pub(super) fn send_out(&mut self, event: &Event) -> u64 {
        self.send_where(event, |_| true)
    }

    /// Sends a message to every live stream that has not read it from the store already, which can happen before
    /// the pair hears of it.
    pub(super) fn send_message(&mut self, message: Arc<Message>) -> u64 {
        let seq = message.seq;
        let event = Event::Notice(Notice::Message(message), self.names.clone());
        self.send_where(&event, |open| open.position < seq)
    }

    pub(super) fn send_where(
        &mut self,
        event: &Event,
        which: impl Fn(&StreamEntry) -> bool,
    ) -> u64 {
        let mut taken = 0;
        let live = |open: &&mut StreamEntry| matches!(open.feed, Feed::Live) && which(open);
        for open in self.streams.iter_mut().filter(live) {
            match open.to.try_send(event.clone()) {
                Ok(()) => taken += 1,
                Err(SendError::Full(_)) => {
                    // `do_send` exceeds the full mailbox by this one event; no other follows until the stream has
                    // caught up.
                    open.to.do_send(Event::Behind);
                    open.feed = Feed::Behind(Instant::now());
                }
                // It has ended; the next tick drops it.
                Err(SendError::Closed(_)) => {}
            }
        }
        taken
    }

    /// Drops the streams that have ended or stalled.
    pub(super) fn drop_dead_streams(&mut self, ctx: &mut Context<Self>) {
        let over = |open: &StreamEntry| open.is_dead() || open.is_stalled();
        for open in self.streams.iter().filter(|open| over(open)) {
            self.count_cut(open);
        }
        self.drop_streams(over, ctx);
    }

    /// Counts a stream that ends while its client is behind, even if it has begun to read what it missed. Mostly its
    /// connection was closed first, because the client took nothing.
    fn count_cut(&self, ended: &StreamEntry) {
        if ended.fell_behind() {
            debug!(chat = %self.key.fingerprint(), "a stream ended whose client was behind");
            self.environment.metrics.streams_cut.inc();
        }
    }

    /// Drops the streams of sessions that have ended.
    pub(super) fn drop_ended_sessions(&mut self, ctx: &mut Context<Self>) {
        let Ok(chat) = &self.chat else { return };
        let live: Vec<SessionId> = chat.sessions.iter().map(|session| session.id).collect();
        self.drop_streams(|open| !live.contains(&open.session), ctx);
    }

    /// Cuts off all streams. Their clients reconnect, here or elsewhere, and the store is asked before a stream is opened.
    pub(super) fn cut_streams(&mut self, ctx: &mut Context<Self>) {
        self.changes += 1;
        self.cut_at = self.changes;
        self.drop_streams(|_| true, ctx);
    }

    /// Makes the live streams go on after a lower `seq`. Those that pull pages may have read beyond it, and one with a full
    /// mailbox does not get the hello, so these end and their clients reconnect.
    pub(super) fn rewind_streams(&mut self, last: Seq, ctx: &mut Context<Self>) {
        for open in &mut self.streams {
            open.position = open.position.min(last);
        }
        self.send_hello(Event::Rewound);
        self.cut_at = self.changes;
        self.drop_streams(|open| !matches!(open.feed, Feed::Live), ctx);
    }

    fn drop_streams(&mut self, which: impl Fn(&StreamEntry) -> bool, ctx: &mut Context<Self>) {
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

    /// Ends all streams. Their clients open them again, elsewhere if there is another instance.
    pub(super) fn move_streams(&mut self, ctx: &mut Context<Self>) {
        let seats: Vec<Seat> = self.streams.iter().map(|open| open.seat).collect();
        let moved = &self.environment.metrics.streams_moved;
        moved.inc_by(seats.len() as u64);
        self.record_use_by_streams(SEEN_STEP);
        self.send_last_event(&Event::Moved);
        for seat in seats {
            self.departed(seat, ctx);
        }
    }

    /// Sends the streams their last event. Their addresses are kept until they have had time to write it, because a
    /// stream without an address ends at once.
    pub(super) fn send_last_event(&mut self, last: &Event) {
        self.send_out(last);
        let kept: Vec<_> = self.streams.drain(..).map(|open| open.to).collect();
        if !kept.is_empty() {
            actix::spawn(async move {
                tokio::time::sleep(LAST_EVENT_GRACE).await;
                drop(kept);
            });
        }
    }
}
