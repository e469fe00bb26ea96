//! HTTP/2, on the h2 crate itself. actix's own dispatcher sets none of the limits below, does not
//! tell its clients that it is going, and does not hear that a client has closed a stream on which
//! there is nothing to say.

mod answering;
mod body;
mod writing;

use std::{
    cell::Cell,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use actix_http::{
    Request, Response,
    body::{BoxBody, MessageBody},
};
use actix_service::Service;
use h2::{
    Reason, RecvStream,
    server::{Builder, Connection, SendResponse},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use super::{connection::Terms, low_priority::Turns};
use answering::Accepted;
use writing::Part;

/// Requests and streams that one connection may have open; a proxy opens another for more.
const STREAMS_MAX: u32 = 100;
/// What the headers of one request may take.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;
/// What one request, and all of one connection, may send ahead of being read.
const REQUEST_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// What of the bodies of one connection's requests is in memory at once, in KiB.
const BODIES_KIB_MAX: usize = 256;
/// What one response may have waiting in the connection.
const SEND_BYTES_MAX: usize = 32 * 1024;
/// Streams that were reset before anybody looked at them, past which the client is cut off; and
/// those that were reset for its errors.
const EARLY_RESETS_MAX: usize = 20;
const ERROR_RESETS_MAX: usize = 64;
/// Requests of one connection that may wait for their turn whatever others do.
const WAITING_FEW: usize = 16;
/// Requests that are accepted before others on the arbiter have their turn.
const ACCEPTED_AT_ONCE: u32 = 16;
/// A connection without a request for this long is closed.
const QUIET_MAX: Duration = Duration::from_secs(75);

/// Serves one connection until its client leaves, or until this instance does and everything on it
/// is answered.
///
/// # Errors
/// What the client did wrong, or that it is gone.
pub async fn serve<Io, S, B>(
    io: Io,
    peer: Option<SocketAddr>,
    service: Rc<S>,
    terms: Terms,
    mut turns: Turns,
    going: impl Future<Output = ()>,
) -> Result<(), h2::Error>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request> + 'static,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let handshake = builder().handshake(io);
    let mut connection: Connection<Io, Part> = turns.run(handshake).await?;
    let mut going = pin!(going);
    let mut quiet = pin!(sleep(QUIET_MAX));
    let mut leaving = false;
    let accepted_at_once = Cell::new(0);
    // Held by every request that is not answered to its end.
    let shared = Rc::new(Shared::new(terms, peer));
    loop {
        let next = poll_fn(|cx| {
            // What comes first may be a hundred requests.
            if accepted_at_once.get() == 0 {
                match shared.is_new() || shared.is_crowded() || turns.is_costly() {
                    true => ready!(turns.poll_turn(cx)),
                    false => turns.skip_turn(),
                }
            }
            let accepted = turns.count(|| connection.poll_accept(cx));
            accepted_at_once.set(match &accepted {
                Poll::Ready(_) => (accepted_at_once.get() + 1) % ACCEPTED_AT_ONCE,
                Poll::Pending => 0,
            });
            accepted
        });
        tokio::select! {
            accepted = next => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, respond) = accepted?;
                if let Some(accepted) = shared.accept(request, respond) {
                    let answered = answering::serve(accepted, service.clone(), shared.clone());
                    actix_rt::spawn(answered);
                }
                if accepted_at_once.get() == 0 {
                    tokio::task::yield_now().await;
                }
            }
            () = shared.cut_off.notified() => return Err(Reason::ENHANCE_YOUR_CALM.into()),
            () = &mut going, if !leaving => {
                leaving = true;
                connection.graceful_shutdown();
            }
            () = &mut quiet => {
                if Rc::strong_count(&shared) == 1 {
                    if leaving {
                        return Ok(());
                    }
                    leaving = true;
                    connection.graceful_shutdown();
                }
                quiet.as_mut().reset(Instant::now() + QUIET_MAX);
            }
        }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .initial_window_size(REQUEST_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buffer_size(SEND_BYTES_MAX)
        .max_pending_accept_reset_streams(EARLY_RESETS_MAX)
        .max_local_error_reset_streams(Some(ERROR_RESETS_MAX));
    builder
}

/// What the requests of one connection share.
struct Shared {
    /// One for each answer that is being made or waits to be taken.
    turns: Arc<Semaphore>,
    bodies_kib: Arc<Semaphore>,
    terms: Terms,
    peer: Option<SocketAddr>,
    /// How many requests have come, and how many of them have no answer that was taken.
    accepted: Cell<u64>,
    unanswered: Rc<Cell<usize>>,
    /// When its client took something last.
    last_taken: Cell<Instant>,
    /// That its client takes nothing.
    cut_off: Notify,
}

/// Counts a request until its answer was taken.
struct Unanswered {
    count: Rc<Cell<usize>>,
    /// Its place among the requests of all connections that wait for their turn.
    waits: Option<OwnedSemaphorePermit>,
}

impl Shared {
    fn new(terms: Terms, peer: Option<SocketAddr>) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(terms.answers_per_connection)),
            bodies_kib: Arc::new(Semaphore::new(BODIES_KIB_MAX)),
            terms,
            peer,
            accepted: Cell::new(0),
            unanswered: Rc::default(),
            last_taken: Cell::new(Instant::now()),
            cut_off: Notify::new(),
        }
    }

    /// Whether nothing was asked on it yet.
    fn is_new(&self) -> bool {
        self.accepted.get() == 0
    }

    /// Whether more was asked than is answered at once.
    fn is_crowded(&self) -> bool {
        self.unanswered.get() > self.terms.answers_per_connection
    }

    /// How many answers wait to be taken, beside one that is about to be made.
    fn untaken(&self) -> usize {
        let others = self.terms.answers_per_connection - self.turns.available_permits();
        others.saturating_sub(1)
    }

    /// Accepts a request, unless too many wait already. Those that do not are refused as what was not
    /// looked at, so that their clients may send them again (RFC 9113, 8.7).
    fn accept(
        &self,
        request: http::Request<RecvStream>,
        mut respond: SendResponse<Part>,
    ) -> Option<Accepted> {
        self.accepted.set(self.accepted.get() + 1);
        let unanswered = self.unanswered.get();
        let mut waits = None;
        if unanswered >= self.terms.answers_per_connection + WAITING_FEW {
            match self.terms.waiting.clone().try_acquire_owned() {
                Ok(permit) => waits = Some(permit),
                Err(_) => {
                    respond.send_reset(Reason::REFUSED_STREAM);
                    return None;
                }
            }
        }
        self.unanswered.set(unanswered + 1);
        let (head, body) = request.into_parts();
        Some(Accepted {
            head: Box::new(head),
            body,
            respond,
            unanswered: Unanswered {
                count: self.unanswered.clone(),
                waits,
            },
        })
    }
}

impl Unanswered {
    fn waits_no_more(&mut self) {
        self.waits = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}
