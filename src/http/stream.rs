//! One actor per open stream; the only file that imports actix-web-actors.
//!
//! The actor runs only while its client takes what it is sent. While it replays it pulls pages
//! from the store, one when the last is on its way; then it attaches to the pair, which feeds it
//! live. A client that reads too slowly fills the actor's mailbox, and the pair sends it back to
//! pulling; the socket of one that takes nothing at all is closed by the kernel after a while.
//!
//! The pair holds the only address of a live stream, so that a stream which the pair drops, for
//! whatever reason, has nothing left to do and ends. Its client comes back with `Last-Event-ID`.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Handler, WrapFuture};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_ENCODING, ContentEncoding, HeaderName},
};
use actix_web_actors::HttpContext;
use actors::{
    Attach, Attached, History, Opened, PairRegistry, Refusal, StreamId,
    domain::{Event, Page, Seq},
    ports::HistoryPage,
};
use bytes::Bytes;
use futures_util::Stream;
use prometheus::IntCounter;
use rand::RngExt;
use tracing::debug;

use super::{
    State,
    actions::{self, Caller},
    limits::OneOpen,
    problem::Problem,
    wire,
};

/// Messages pulled at once while replaying; the next ones when these have been taken.
const REPLAY_LEN: usize = 50;
/// When a client that lost its stream should come back, in milliseconds; spread, so that not all
/// of them come at once.
const RETRY_MS: std::ops::Range<u64> = 300..1_000;

/// Opens a stream. A chat that is over gets 204, which tells a browser to stop trying.
///
/// # Errors
/// [`Problem`] says why there is none.
pub async fn open(
    state: &State,
    request: &HttpRequest,
    caller: Caller,
    after: Option<Seq>,
) -> Result<HttpResponse, Problem> {
    let opened = match actions::open_stream(state, &caller, after).await {
        Ok(opened) => opened,
        Err(Refusal::Gone) => return Ok(over()),
        Err(refusal) => return Err(refusal.into()),
    };
    let counted = state.limits.stream(request)?;
    let waiting = Rc::new(Cell::new(0));
    let actor = StreamActor {
        id: StreamId::next(),
        position: opened.hello.position,
        pairs: state.pairs.clone(),
        caller,
        opened: Some(opened),
        changes: 0,
        replayed: state.metrics.replayed.clone(),
        waiting: waiting.clone(),
        waiting_max: state.stream_buffer_bytes,
    };
    let body = Counted {
        frames: Box::pin(HttpContext::create(actor)),
        waiting,
        _counted: counted,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        // Compression would hold events back.
        .insert_header((CONTENT_ENCODING, ContentEncoding::Identity))
        .streaming(body))
}

/// What a stream of a chat that is over gets.
pub fn over() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}

struct StreamActor {
    id: StreamId,
    /// The place of the last message that was written.
    position: Seq,
    pairs: PairRegistry,
    caller: Caller,
    /// How things stood when it was opened, until that is written.
    opened: Option<Opened>,
    changes: u64,
    replayed: IntCounter,
    /// Bytes that were written and not yet taken by the connection.
    waiting: Rc<Cell<usize>>,
    waiting_max: usize,
}

impl Actor for StreamActor {
    type Context = HttpContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.write(wire::retry(rand::rng().random_range(RETRY_MS)), ctx);
        if let Some(opened) = self.opened.take() {
            self.changes = opened.changes;
            self.write(wire::frame(&Event::Hello(Arc::new(opened.hello))), ctx);
        }
        self.attach(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.pairs.detach(self.caller.key, self.id);
    }
}

impl StreamActor {
    /// Asks the pair to feed it from here; the address goes with the request and nowhere else.
    fn attach(&mut self, ctx: &mut HttpContext<Self>) {
        let attach = Attach {
            by: self.caller.by,
            stream: self.id,
            position: self.position,
            changes: self.changes,
            to: ctx.address().recipient(),
        };
        let (pairs, key) = (self.pairs.clone(), self.caller.key);
        let attached = async move { pairs.ask(key, attach).await };
        ctx.wait(
            attached
                .into_actor(self)
                .map(|attached, stream, ctx| match attached {
                    Ok(Attached::Live(None)) => {}
                    Ok(Attached::Live(Some(hello))) => {
                        stream.write(wire::frame(&Event::Hello(hello.into())), ctx);
                    }
                    Ok(Attached::Behind) => stream.replay(ctx),
                    Err(refusal) => stream.give_up(&refusal, ctx),
                }),
        );
    }

    /// Pulls the next page, and attaches again when there are no more.
    fn replay(&mut self, ctx: &mut HttpContext<Self>) {
        let history = History {
            by: self.caller.by,
            page: Page::After(self.position),
            limit: REPLAY_LEN,
        };
        let (pairs, key) = (self.pairs.clone(), self.caller.key);
        let waiting = self.waiting.clone();
        let read = async move {
            until_taken(waiting).await;
            pairs.ask(key, history).await
        };
        ctx.wait(read.into_actor(self).map(|read, stream, ctx| match read {
            Ok((HistoryPage { messages, more }, names)) => {
                stream.replayed.inc_by(messages.len() as u64);
                for message in messages {
                    stream.write_message(&Event::Message(Arc::new(message), names.clone()), ctx);
                }
                match more {
                    true => stream.replay(ctx),
                    false => stream.attach(ctx),
                }
            }
            Err(refusal) => stream.give_up(&refusal, ctx),
        }));
    }

    /// Writes a message in its turn; one that was written before is dropped.
    fn write_message(&mut self, event: &Event, ctx: &mut HttpContext<Self>) {
        let Event::Message(message, _) = event else {
            return;
        };
        if message.seq <= self.position {
            return;
        }
        if message.seq > self.position + 1 {
            // A gap would be a defect of the pair; the client reads it from the store instead.
            debug!(chat = %self.caller.key.fingerprint(), "a stream ends at a gap");
            return self.end(ctx);
        }
        self.position = message.seq;
        self.write(wire::frame(event), ctx);
    }

    fn write(&mut self, frame: Bytes, ctx: &mut HttpContext<Self>) {
        self.waiting.set(self.waiting.get() + frame.len());
        ctx.write(frame);
    }

    /// The client comes back and is told then what is wrong.
    fn give_up(&mut self, refusal: &Refusal, ctx: &mut HttpContext<Self>) {
        debug!(chat = %self.caller.key.fingerprint(), %refusal, "a stream ends");
        if *refusal == Refusal::Gone {
            self.write(wire::frame(&Event::Ended { by: None }), ctx);
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
        match &event {
            Event::Message(..) => self.write_message(&event, ctx),
            Event::Rewound(hello) => {
                self.position = hello.position;
                self.write(wire::frame(&event), ctx);
            }
            Event::Behind => self.attach(ctx),
            Event::Ended { .. } => {
                self.write(wire::frame(&event), ctx);
                self.end(ctx);
            }
            Event::Moved => {
                self.write(wire::retry(rand::rng().random_range(RETRY_MS)), ctx);
                self.end(ctx);
            }
            _ => self.write(wire::frame(&event), ctx),
        }
        if self.waiting.get() > self.waiting_max {
            // Takes no more events before its client has: the pair sees a full mailbox.
            let taken = until_taken(self.waiting.clone());
            ctx.wait(taken.into_actor(self));
        }
    }
}

/// Ready when the connection has taken all that was written. Nobody is woken for this: the
/// connection asks for the next frame by itself.
async fn until_taken(waiting: Rc<Cell<usize>>) {
    poll_fn(|_| {
        if waiting.get() == 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// The frames of a stream, counted as the connection takes them.
struct Counted<S> {
    frames: Pin<Box<S>>,
    waiting: Rc<Cell<usize>>,
    /// Among the streams of its address.
    _counted: OneOpen,
}

impl<S, E> Stream for Counted<S>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.frames.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.waiting
                .set(self.waiting.get().saturating_sub(frame.len()));
        }
        polled
    }
}
