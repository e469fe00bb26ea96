//! From a socket to the app: connections are accepted in one place and served in turn on every
//! arbiter, beside the pairs; TLS where it is set, then HTTP/1.1 or HTTP/2, whichever the client
//! speaks. ARCHITECTURE.md says why the loops are our own ("Decisions worth knowing").

mod accept;
mod body;
mod h1;
mod h2;
mod low_priority;
mod read_turns;
pub mod response_memory;
mod socket;
mod stall;
pub mod tls;

use std::{
    io,
    net::{self, SocketAddr},
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix::ArbiterHandle;
use actix_http::{Request, Response, ServiceConfig};
use actix_rt::net::{TcpListener, TcpStream};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{AppConfig, ServiceResponse},
    web::Data,
};
use futures_util::future::LocalBoxFuture;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tracing::{debug, error, warn};

use super::{
    State,
    observe::{self, HttpMetrics},
    problem::Problem,
};
use crate::config::Settings;
use low_priority::LowPriorityQueue;
use read_turns::{ReadTurn, ReadTurns};
use response_memory::{Overloaded, Reservation, ResponseMemory, measure};
use socket::Opened;

/// Accepted connections that may wait for one arbiter; past that the kernel queues them.
const ACCEPTED_LEN_MAX: usize = 64;

/// Answers a request, over either protocol.
trait App: AsyncFn(Request) -> Response<BoxBody> + 'static {}
impl<F: AsyncFn(Request) -> Response<BoxBody> + 'static> App for F {}

/// What a request holds while it is answered. The app has it, so that it can refuse a request whose response is too long in
/// its own words, and count it as refused.
struct Held {
    reservation: Reservation,
    turn: Option<ReadTurn>,
}

/// What every connection of one arbiter shares.
struct ConnectionContext {
    /// How long a request may take to arrive.
    deadline: Duration,
    /// How long a client may take nothing of what it is sent.
    stalled: Duration,
    /// The memory for responses, of all arbiters.
    response_memory: ResponseMemory,
    /// Responses that one HTTP/2 connection may have in progress or untaken.
    answers_per_connection: usize,
    /// A permit for each HTTP/2 request that waits for its turn, of all arbiters.
    waiting: Arc<Semaphore>,
    /// The turns for requests that only read.
    reads: ReadTurns,
    /// Where costly connections wait.
    low_priority: LowPriorityQueue,
    /// Counts what is refused before it is a request.
    metrics: HttpMetrics,
    /// Whether people use https.
    is_https: bool,
}

/// A socket whose connections are served.
pub struct Server {
    shutdown: CancellationToken,
    workers: TaskTracker,
}

impl ConnectionContext {
    /// Answers a request whose body has arrived, with memory for the response. `is_crowded` says that its connection
    /// has more requests than are answered at once; `untaken` other responses of its connection wait for the client.
    async fn answer(
        &self,
        mut request: Request,
        app: &impl App,
        is_crowded: bool,
        untaken: usize,
    ) -> (Response<BoxBody>, Option<Reservation>) {
        let memory = &self.response_memory;
        if let Some(reservation) = memory.reserve(&mut request, is_crowded).await {
            // Memory before the read turn: a request that waits for memory must not hold a turn.
            let turn = self.read_turn(&mut request, untaken).await;
            request.extensions_mut().insert(Held { reservation, turn });
        }
        let mut response = app(request).await;
        let reservation = response.extensions_mut().remove::<Reservation>();
        (response, reservation)
    }

    /// A refusal that the app has no part in.
    fn refusal(&self, problem: &Problem) -> Response<BoxBody> {
        observe::bare_refusal(problem, &self.metrics, self.is_https).into()
    }

    /// Waits for a turn if the request only reads; `untaken` responses of its connection wait for the
    /// client. Where no turn comes in time the request is marked [`Overloaded`], which refuses it before it
    /// is routed.
    async fn read_turn(&self, request: &mut Request, untaken: usize) -> Option<ReadTurn> {
        if !ReadTurns::apply_to(request) {
            return None;
        }
        let turn = self.reads.wait(untaken).await;
        if turn.is_none() {
            request.extensions_mut().insert(Overloaded);
        }
        turn
    }
}

/// Makes what is reserved for a response as large as it has become, where its request came through a socket. Its turn is
/// over: what waits for a turn holds memory, so what holds a turn must not wait for memory.
///
/// # Errors
/// The request, if there is no memory for the response.
pub async fn fit(
    response: ServiceResponse<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, HttpRequest> {
    let held = response.request().extensions_mut().remove::<Held>();
    let Some(Held { reservation, turn }) = held else {
        return Ok(response);
    };
    drop(turn);
    let (mut response, kib) = measure(response);
    if let Some(kib) = kib {
        match reservation.fit(kib).await {
            Ok(reservation) => {
                let response = response.response_mut();
                response.extensions_mut().insert(reservation);
            }
            Err(Overloaded) => return Err(response.into_parts().0),
        }
    }
    Ok(response)
}

impl Server {
    /// Accepts no more connections, closes the idle ones, and waits for the others to finish their
    /// requests. Connections that are still busy after the drain time are cut off.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.workers.close();
        self.workers.wait().await;
    }
}

/// Serves an app on a socket, over TLS where there is an acceptor. Must be called inside an actix
/// system.
///
/// # Errors
/// The listener cannot be registered with the reactor.
pub fn serve<F, I, S, B>(
    listener: net::TcpListener,
    settings: &Settings,
    acceptor: Option<TlsAcceptor>,
    state: &Data<State>,
    arbiters: &[ArbiterHandle],
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let deadline = Duration::from_secs(settings.limits.request_seconds);
    let stalled = Duration::from_secs(settings.limits.stalled_stream_seconds);
    let answers_per_connection = settings.limits.answers_per_connection;
    let reads_per_worker = settings.limits.reads_per_worker;
    let drain = Duration::from_secs(settings.server.drain_seconds);
    let listener = TcpListener::from_std(listener)?;
    let shutdown = CancellationToken::new();
    let workers = TaskTracker::new();
    let mut queues = Vec::new();
    for arbiter in arbiters {
        let (queue, accepted) = mpsc::channel(ACCEPTED_LEN_MAX);
        let (app, acceptor, state) = (app.clone(), acceptor.clone(), state.clone());
        let (shutdown, running) = (shutdown.clone(), workers.token());
        let served = async move || {
            // Dropped last: `Server::stop` waits for it.
            let _running = running;
            let app = map_config(app(), |()| AppConfig::default()).new_service(());
            let Ok(app) = app.await else {
                return error!("the app cannot be started on an arbiter");
            };
            let app = Rc::new(async move |request| match app.call(request).await {
                Ok(response) => response.into().map_into_boxed_body(),
                Err(error) => Response::from(error),
            });
            let context = Rc::new(ConnectionContext {
                deadline,
                stalled,
                response_memory: state.response_memory.clone(),
                answers_per_connection,
                waiting: state.requests_waiting.clone(),
                low_priority: LowPriorityQueue::default(),
                reads: ReadTurns::new(reads_per_worker),
                metrics: state.metrics.clone(),
                is_https: state.origin.is_https(),
            });
            let low_priority = context.low_priority.clone();
            // It keeps the `Date` header up to date in a task of its own, so one for all connections.
            let config = ServiceConfig::default();
            let serve_one = move |socket: TcpStream| {
                let peer = socket.peer_addr().ok();
                // Held while the connection is open. An address with too many connections has the
                // new one closed at once.
                let counted = peer.and_then(|peer| state.admit(peer.ip()));
                let opening = counted.is_some().then(|| {
                    let (app, config) = (app.clone(), config.clone());
                    let (acceptor, shutdown) = (acceptor.clone(), shutdown.clone());
                    let opening = open(
                        socket,
                        peer,
                        acceptor,
                        app,
                        config,
                        context.clone(),
                        shutdown,
                    );
                    // Boxed, like what follows, so that an open connection does not hold memory for finished steps.
                    Box::pin(opening)
                });
                async move {
                    let _counted = counted;
                    if let Some(opening) = opening
                        && let Some(serving) = opening.await
                    {
                        serving.await;
                    }
                }
            };
            // In a task of its own, so that the arbiter polls it once per round.
            let _low_priority = AbortOnDropHandle::new(actix_rt::spawn(async move {
                low_priority.serve().await;
            }));
            serve_connections(accepted, drain, serve_one).await;
        };
        arbiter.spawn_fn(move || drop(actix_rt::spawn(served())));
        queues.push(queue);
    }
    actix_rt::spawn(accept::accept(listener, queues, shutdown.clone()));
    Ok(Server { shutdown, workers })
}

/// Opens a connection. Returns the future that serves it, unless the client has left.
async fn open(
    socket: TcpStream,
    peer: Option<SocketAddr>,
    acceptor: Option<TlsAcceptor>,
    app: Rc<impl App>,
    config: ServiceConfig,
    context: Rc<ConnectionContext>,
    shutdown: CancellationToken,
) -> Option<LocalBoxFuture<'static, ()>> {
    socket::set_options(&socket, context.stalled);
    let turns = context.low_priority.connection();
    let opening = socket::open(socket, acceptor, context.stalled, turns);
    let opened = tokio::select! {
        opened = timeout(context.deadline, opening) => opened.ok()?,
        // Nothing was requested on it yet.
        () = shutdown.cancelled() => return None,
    };
    match opened {
        Ok(Opened::Http1(io)) => {
            let mut connection = h1::Connection::new(io, peer, config, context);
            Some(Box::pin(async move {
                let shutdown = pin!(shutdown.cancelled());
                log_end(connection.serve(&*app, shutdown).await);
            }))
        }
        Ok(Opened::Http2(connection, turns)) => Some(Box::pin(async move {
            let shutdown = pin!(shutdown.cancelled());
            log_end(h2::serve(connection, peer, app, context, turns, shutdown).await);
        })),
        Err(error) => {
            log_end(Err(error));
            None
        }
    }
}

/// Serves connections until the queue is closed, then waits for the open ones, at most `drain` long.
async fn serve_connections<F>(
    mut accepted: mpsc::Receiver<net::TcpStream>,
    drain: Duration,
    serve_one: impl Fn(TcpStream) -> F,
) where
    F: Future<Output = ()> + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            socket = accepted.recv() => match socket.map(TcpStream::from_std) {
                Some(Ok(socket)) => {
                    connections.spawn_local(serve_one(socket));
                }
                Some(Err(error)) => warn!(%error, "a connection cannot be served"),
                None => break,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    let done = async { while connections.join_next().await.is_some() {} };
    if timeout(drain, done).await.is_err() {
        debug!(
            open = connections.len(),
            "connections are cut off: they were still busy"
        );
    }
}

/// Logs how a connection ended, for debugging: most errors are the client's doing.
fn log_end<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        debug!(%error, "a connection ended");
    }
}
