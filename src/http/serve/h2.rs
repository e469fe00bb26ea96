//! HTTP/2 on the h2 crate itself. actix's own dispatcher sets none of the limits below, sends no GOAWAY on
//! shutdown, and does not notice that a client has closed a stream on which nothing is being sent.

mod requests;
mod responses;

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

use h2::{
    Reason, RecvStream,
    server::{self, SendResponse},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use super::{App, ConnectionContext, low_priority::ConnectionTurns};
use requests::WaitingRequest;
use responses::Part;

/// Requests and streams that one connection may have open; a proxy opens another for more.
const STREAMS_MAX: u32 = 100;
/// The longest list of headers of one request.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;
/// The flow-control windows: what one request, and all of one connection, may send before it is read.
const REQUEST_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// The memory for the bodies of one connection's requests, in KiB.
const BODIES_KIB_MAX: usize = 256;
/// What h2 buffers of one response.
const SEND_BYTES_MAX: usize = 32 * 1024;
/// A client is cut off after this many streams that it reset before they were accepted, or that were reset
/// for its errors.
const EARLY_RESETS_MAX: usize = 20;
const ERROR_RESETS_MAX: usize = 64;
/// Requests of one connection that may wait for their turn without a permit of the shared limit.
const WAITING_WITHOUT_PERMIT: usize = 16;
/// Requests that are accepted before the arbiter polls something else.
const ACCEPTED_AT_ONCE: u32 = 16;
/// A connection that has been idle this long is closed.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// How long the client of an idle connection has to acknowledge that it is being closed, over a slow network.
const CLOSING_MAX: Duration = Duration::from_secs(3);

/// A connection of which the client has sent the beginning.
pub type Connection<Io> = server::Connection<Io, Part>;

/// Waits for the beginning of a connection (RFC 9113, 3.4).
pub fn handshake<Io: AsyncRead + AsyncWrite + Unpin>(
    io: Io,
) -> impl Future<Output = Result<Connection<Io>, h2::Error>> {
    let mut builder = server::Builder::new();
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .initial_window_size(REQUEST_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buffer_size(SEND_BYTES_MAX)
        .max_pending_accept_reset_streams(EARLY_RESETS_MAX)
        .max_local_error_reset_streams(Some(ERROR_RESETS_MAX));
    builder.handshake(io)
}

/// Serves one connection until the client closes it, or until the shutdown once every request on it is
/// answered.
///
/// # Errors
/// The client broke the protocol or a limit, or is gone.
pub async fn serve(
    mut connection: Box<Connection<impl AsyncRead + AsyncWrite + Unpin>>,
    peer: Option<SocketAddr>,
    app: Rc<impl App>,
    context: Rc<ConnectionContext>,
    mut turns: ConnectionTurns,
    shutdown: impl Future<Output = ()>,
) -> Result<(), h2::Error> {
    let mut shutdown = pin!(shutdown);
    let mut idle = pin!(sleep(IDLE_MAX));
    let mut closing = false;
    let accepted_at_once = Cell::new(0);
    // A clone is held by every request in progress.
    let shared = Rc::new(Shared::new(context, peer));
    loop {
        let next = poll_fn(|cx| {
            // The first read of a connection may bring a hundred requests.
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
                if let Some(request) = shared.accept(request, respond) {
                    actix_rt::spawn(requests::serve(request, app.clone(), shared.clone()));
                }
                if accepted_at_once.get() == 0 {
                    tokio::task::yield_now().await;
                }
            }
            () = shared.cut_off.notified() => return Err(Reason::ENHANCE_YOUR_CALM.into()),
            () = &mut shutdown, if !closing => {
                closing = true;
                connection.graceful_shutdown();
                idle.as_mut().reset(Instant::now() + CLOSING_MAX);
            }
            () = &mut idle => {
                let is_idle = Rc::strong_count(&shared) == 1;
                if is_idle && closing {
                    return Ok(());
                }
                if is_idle {
                    closing = true;
                    connection.graceful_shutdown();
                }
                let again = if closing { CLOSING_MAX } else { IDLE_MAX };
                idle.as_mut().reset(Instant::now() + again);
            }
        }
    }
}

/// What the requests of one connection share.
struct Shared {
    /// A permit for each response that is being made or waits to be taken.
    turns: Arc<Semaphore>,
    bodies_kib: Arc<Semaphore>,
    context: Rc<ConnectionContext>,
    peer: Option<SocketAddr>,
    /// How many requests were accepted.
    accepted: Cell<u64>,
    /// How many of them have no response that the client has taken.
    unanswered: Rc<Cell<usize>>,
    /// When the client last took something.
    last_taken: Cell<Instant>,
    /// Notified when the client takes nothing and is to be disconnected.
    cut_off: Notify,
}

/// Counts a request until the client has taken its response.
struct Unanswered {
    count: Rc<Cell<usize>>,
    /// Its permit among the waiting requests of all connections, where it needs one.
    waiting: Option<OwnedSemaphorePermit>,
}

impl Shared {
    fn new(context: Rc<ConnectionContext>, peer: Option<SocketAddr>) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(context.answers_per_connection)),
            bodies_kib: Arc::new(Semaphore::new(BODIES_KIB_MAX)),
            context,
            peer,
            accepted: Cell::new(0),
            unanswered: Rc::default(),
            last_taken: Cell::new(Instant::now()),
            cut_off: Notify::new(),
        }
    }

    /// Whether no request was accepted yet.
    fn is_new(&self) -> bool {
        self.accepted.get() == 0
    }

    /// Whether it has more requests than are answered at once.
    fn is_crowded(&self) -> bool {
        self.unanswered.get() > self.context.answers_per_connection
    }

    /// How many responses wait to be taken, not counting the one that is about to be made.
    fn untaken(&self) -> usize {
        let others = self.context.answers_per_connection - self.turns.available_permits();
        others.saturating_sub(1)
    }

    /// Accepts a request, or refuses it when too many wait already. REFUSED_STREAM says that nothing was
    /// processed, so the client may send it again (RFC 9113, 8.7).
    fn accept(
        &self,
        request: http::Request<RecvStream>,
        mut respond: SendResponse<Part>,
    ) -> Option<WaitingRequest> {
        self.accepted.set(self.accepted.get() + 1);
        let unanswered = self.unanswered.get();
        let mut waiting = None;
        if unanswered >= self.context.answers_per_connection + WAITING_WITHOUT_PERMIT {
            match self.context.waiting.clone().try_acquire_owned() {
                Ok(permit) => waiting = Some(permit),
                Err(_) => {
                    respond.send_reset(Reason::REFUSED_STREAM);
                    return None;
                }
            }
        }
        self.unanswered.set(unanswered + 1);
        let (head, body) = request.into_parts();
        Some(WaitingRequest {
            head: Box::new(head),
            body,
            respond,
            unanswered: Unanswered {
                count: self.unanswered.clone(),
                waiting,
            },
        })
    }
}

impl Unanswered {
    fn release_waiting(&mut self) {
        self.waiting = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}
