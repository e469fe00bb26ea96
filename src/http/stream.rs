//! One actor per open stream; the only file that imports actix-web-actors.
//!
//! The actor is polled only while its client takes what it is sent. It first replays: it pulls pages from the
//! store, each when the last one has been taken. Then it attaches to the pair, which sends it live events. A
//! client that reads too slowly fills the actor's mailbox, and the pair makes the stream replay again. The
//! socket of a client that takes nothing at all is closed after a while (`limits.stalled_stream_seconds`).
//!
//! An idle stream pings by itself, without the pair.
//!
//! The pair holds the only address of a live stream. When the pair drops it, for whatever reason, the actor
//! stops, and its client reconnects with `Last-Event-ID`.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::{Arc, LazyLock},
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Handler, WrapFuture};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_ENCODING, ContentEncoding, HeaderName},
};
use actix_web_actors::HttpContext;
use actors::{
    Attach, Attached, GetHistory, OpenedStream, PairRegistry, Refusal, Snapshot, StreamId,
    StreamSlot,
    domain::{ChatKey, Event, Message, Names, Notice, Page, SecretDigest, Seq},
    ports::HistoryPage,
};
use bytes::Bytes;
use futures_util::Stream;
use pin_project_lite::pin_project;
use prometheus::IntCounter;
use rand::RngExt;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

use super::{actions::TokenHolder, limits::OpenGuard, problem::Problem, wire};

/// Messages in one page of a replay.
const REPLAY_LEN: usize = 50;
/// A stream without an event for this long gets a ping, so that clients see one every fifteen seconds.
const PING_AFTER: Duration = Duration::from_millis(14_500);
const PING_STEP: Duration = Duration::from_millis(250);
/// The reconnection time sent to clients, in milliseconds. Random, so that they do not all return at once.
const RETRY_MS: std::ops::Range<u64> = 300..1_000;

/// Opens a stream. For a chat that is over it is a 204, on which browsers stop reconnecting.
///
/// # Errors
/// [`Problem`] 401, 403, 404, 429 or 503.
pub async fn open(
    request: &HttpRequest,
    caller: TokenHolder,
    after: Option<Seq>,
) -> Result<HttpResponse, Problem> {
    let OpenedStream {
        snapshot: Snapshot { hello, changes },
        slot,
    } = match caller.open_stream(after).await {
        Ok(opened) => opened,
        Err(Refusal::Gone) => return Ok(no_content()),
        Err(refusal) => return Err(refusal.into()),
    };
    let state = &caller.state;
    let counted = state.limits.count_stream(request)?;
    let waiting = Rc::new(Cell::new(0));
    let actor = StreamActor {
        id: StreamId::next(),
        position: hello.position,
        pairs: state.pairs.clone(),
        key: caller.key,
        by: caller.by,
        slot: Some(slot),
        changes,
        replayed: state.metrics.replayed.clone(),
        waiting: waiting.clone(),
        waiting_max: state.stream_buffer_bytes,
    };
    let hello = wire::event_frame(&Event::Hello(Arc::new(hello)));
    let first = [retry_frame(), hello].concat().into();
    let body = Frames::new(first, HttpContext::create(actor), waiting, counted);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        // Compression would hold events back.
        .insert_header((CONTENT_ENCODING, ContentEncoding::Identity))
        .streaming(body))
}

fn retry_frame() -> Bytes {
    wire::retry_frame(rand::rng().random_range(RETRY_MS))
}

/// The response to a stream of a chat that is over.
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}

struct StreamActor {
    id: StreamId,
    /// The `seq` of the last message that was written.
    position: Seq,
    pairs: PairRegistry,
    key: ChatKey,
    /// The reader's token.
    by: SecretDigest,
    /// Its place within the limits, until it is attached.
    slot: Option<StreamSlot>,
    /// From [`Snapshot`] or [`Attached::Behind`].
    changes: u64,
    replayed: IntCounter,
    /// Bytes written that the connection has not taken.
    waiting: Rc<Cell<usize>>,
    waiting_max: usize,
}

impl Actor for StreamActor {
    type Context = HttpContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.attach(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.pairs.detach(self.key, self.id);
    }
}

impl StreamActor {
    /// Asks the pair for live events from here on. The actor's address goes to the pair and nowhere else.
    fn attach(&mut self, ctx: &mut HttpContext<Self>) {
        let attach = Attach {
            by: self.by,
            stream: self.id,
            position: self.position,
            changes: self.changes,
            to: ctx.address().recipient(),
            slot: self.slot.take(),
        };
        let (pairs, key) = (self.pairs.clone(), self.key);
        let attached = async move { pairs.ask(key, attach).await };
        ctx.wait(
            attached
                .into_actor(self)
                .map(|attached, stream, ctx| match attached {
                    Ok(Attached::Live(None)) => {}
                    Ok(Attached::Live(Some(hello))) => {
                        stream.write(wire::event_frame(&Event::Hello(hello.into())), ctx);
                    }
                    Ok(Attached::Behind(changes)) => {
                        stream.changes = changes;
                        stream.replay(ctx);
                    }
                    Err(refusal) => stream.give_up(&refusal, ctx),
                }),
        );
    }

    /// Pulls the next page, and attaches again when there are no more.
    fn replay(&mut self, ctx: &mut HttpContext<Self>) {
        let request = GetHistory {
            by: self.by,
            page: Page::After(self.position),
            limit: REPLAY_LEN,
        };
        let (pairs, key) = (self.pairs.clone(), self.key);
        let waiting = self.waiting.clone();
        let read = async move {
            until_taken(waiting).await;
            pairs.ask(key, request).await
        };
        ctx.wait(read.into_actor(self).map(|read, stream, ctx| match read {
            Ok((HistoryPage { messages, more }, names)) => {
                for message in messages {
                    if stream.waiting.get() > stream.waiting_max {
                        // The rest is read again when these were taken.
                        return stream.replay(ctx);
                    }
                    stream.replayed.inc();
                    stream.write_message(Arc::new(message), &names, ctx);
                }
                match more {
                    true => stream.replay(ctx),
                    false => stream.attach(ctx),
                }
            }
            Err(refusal) => stream.give_up(&refusal, ctx),
        }));
    }

    /// Writes the next message; one that was written before is dropped.
    fn write_message(&mut self, message: Arc<Message>, names: &Names, ctx: &mut HttpContext<Self>) {
        if message.seq <= self.position {
            return;
        }
        if message.seq > self.position + 1 {
            // A gap would be a bug in the pair. The client reconnects and reads from the store.
            debug!(chat = %self.key.fingerprint(), "a stream ends at a gap");
            return self.end(ctx);
        }
        self.position = message.seq;
        self.write(wire::notice_frame(&Notice::Message(message), names), ctx);
    }

    fn write(&mut self, frame: Bytes, ctx: &mut HttpContext<Self>) {
        self.waiting.set(self.waiting.get() + frame.len());
        ctx.write(frame);
    }

    /// Ends the stream. The client reconnects and gets the reason as a response.
    fn give_up(&mut self, refusal: &Refusal, ctx: &mut HttpContext<Self>) {
        debug!(chat = %self.key.fingerprint(), %refusal, "a stream ends");
        if *refusal == Refusal::Gone {
            let ended = Notice::Ended { by: None };
            self.write(wire::notice_frame(&ended, &Names::default()), ctx);
        }
        self.end(ctx);
    }

    fn end(&mut self, ctx: &mut HttpContext<Self>) {
        ctx.write_eof();
        ctx.stop();
    }
}

impl Handler<Event> for StreamActor {
    type Result = ();

    fn handle(&mut self, event: Event, ctx: &mut Self::Context) {
        match event {
            Event::Notice(Notice::Message(message), names) => {
                self.write_message(message, &names, ctx);
            }
            Event::Rewound(ref hello) => {
                self.position = hello.position;
                self.write(wire::event_frame(&event), ctx);
            }
            Event::Behind => self.attach(ctx),
            Event::Notice(Notice::Ended { .. }, _) => {
                self.write(wire::event_frame(&event), ctx);
                self.end(ctx);
            }
            Event::Moved => {
                self.write(retry_frame(), ctx);
                self.end(ctx);
            }
            _ => self.write(wire::event_frame(&event), ctx),
        }
        if self.waiting.get() > self.waiting_max {
            // Handle no more events until the client has taken these: the mailbox fills, and the pair notices.
            let taken = until_taken(self.waiting.clone());
            ctx.wait(taken.into_actor(self));
        }
    }
}

/// Returns when the connection has taken all that was written. It needs no waker: the connection polls the
/// actor whenever it wants the next frame.
async fn until_taken(waiting: Rc<Cell<usize>>) {
    poll_fn(|_| match waiting.get() {
        0 => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

pin_project! {
    /// The frames of a stream as the connection takes them, which counts them and pings when there are none for long.
    struct Frames<S> {
        // Written before the actor starts, whose queue takes no memory until there is an event.
        first: Option<Bytes>,
        frames: S,
        waiting: Rc<Cell<usize>>,
        // When the last frame was taken.
        last: Instant,
        // Goes off when a ping may be due. It is set again when it goes off, and not for every frame.
        #[pin]
        silence: Sleep,
        // Counts the stream among those of its address.
        _counted: OpenGuard,
    }
}

impl<S> Frames<S> {
    fn new(first: Bytes, frames: S, waiting: Rc<Cell<usize>>, counted: OpenGuard) -> Self {
        let last = Instant::now();
        Self {
            first: Some(first),
            frames,
            waiting,
            last,
            silence: sleep_until(ping_due(last)),
            _counted: counted,
        }
    }
}

impl<S, E> Stream for Frames<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if let Poll::Ready(next) = Pin::new(this.frames).poll_next(cx) {
            if let Some(Ok(frame)) = &next {
                let waiting = this.waiting.get().saturating_sub(frame.len());
                this.waiting.set(waiting);
                *this.last = Instant::now();
            }
            return Poll::Ready(next);
        }
        while this.silence.as_mut().poll(cx).is_ready() {
            let is_due = this.last.elapsed() >= PING_AFTER;
            if is_due {
                *this.last = Instant::now();
            }
            this.silence.as_mut().reset(ping_due(*this.last));
            if is_due {
                return Poll::Ready(Some(Ok(wire::ping_frame())));
            }
        }
        Poll::Pending
    }
}

/// When a stream is to be pinged whose last frame was taken then: at a multiple of [`PING_STEP`], so that the thread
/// wakes once for many.
fn ping_due(last: Instant) -> Instant {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = (last + PING_AFTER).duration_since(*ORIGIN);
    *ORIGIN + PING_STEP.mul_f64(since.div_duration_f64(PING_STEP).ceil())
}
