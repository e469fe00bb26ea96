//! From a socket to the doors: connections are accepted in one place and served in turn on every
//! arbiter, beside the pairs; TLS where it is set, then HTTP/1.1 or HTTP/2, whichever the client
//! speaks.

use std::{io, net, pin::Pin, rc::Rc, sync::Arc, time::Duration};

use actix::ArbiterHandle;
use actix_http::{Request, Response, ServiceConfig};
use actix_rt::net::{TcpListener, TcpStream};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::{Error, HttpMessage, body::MessageBody, dev::AppConfig};
use futures_util::future::select_ok;
use socket2::SockRef;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, error::TrySendError},
    },
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::{
    either::Either,
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tracing::{debug, error, warn};

use super::{
    State,
    answers::{Answers, NoRoom},
    h1, h2,
    low_priority::{LowPriority, Turns},
    reads::{Reads, Turn},
    tls,
};
use crate::config::Settings;

/// What the kernel takes for a client before it is ready to be sent it, and what it takes from a
/// client before it is read: a request's body fits.
const UNSENT_BYTES: u32 = 64 * 1024;
const RECEIVED_BYTES: usize = 64 * 1024;
/// How HTTP/2 begins where nothing was agreed on; no method of HTTP/1.1 begins so.
const PRIOR_KNOWLEDGE: &[u8] = b"PRI";
/// Accepted connections that wait for one arbiter; the system keeps more.
const WAITING_MAX: usize = 64;
/// The pause after the system had no file for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What every connection is served on.
#[derive(Clone)]
pub struct Terms {
    /// For a request to arrive.
    pub deadline: Duration,
    /// For a client to take something of what it is sent.
    pub stalled: Duration,
    /// What all answers together may take.
    pub answers: Answers,
    /// What one connection may have waiting over HTTP/2.
    pub answers_per_connection: usize,
    /// A place for each request over HTTP/2 that waits for its turn.
    pub waiting: Arc<Semaphore>,
    /// The turns of this arbiter for requests that only read.
    pub reads: Reads,
    /// Where connections that take long to look at wait on this arbiter.
    pub low_priority: LowPriority,
}

/// A socket whose connections are served.
pub struct Server {
    going: CancellationToken,
    workers: TaskTracker,
}

impl Terms {
    /// A turn for a request that only reads, where its connection has that many answers that were
    /// not taken. One that does not get it is marked, and refused at the door.
    pub async fn turn_for(&self, request: &mut Request, untaken: usize) -> Option<Turn> {
        if !Reads::concern(request) {
            return None;
        }
        let turn = self.reads.turn(untaken).await;
        if turn.is_none() {
            request.extensions_mut().insert(NoRoom);
        }
        turn
    }
}

impl Server {
    /// Accepts no more connections, closes the idle ones, and waits until the others are done with
    /// what they are busy with. Those that are not by the drain's end are cut off.
    pub async fn stop(&self) {
        self.going.cancel();
        self.workers.close();
        self.workers.wait().await;
    }
}

/// Serves an app on a socket, by TLS where there is an acceptor. Must be called inside an actix
/// system.
///
/// # Errors
/// What the system says.
pub fn serve<F, I, S, B>(
    listener: net::TcpListener,
    settings: &Settings,
    acceptor: Option<TlsAcceptor>,
    state: &State,
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
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let deadline = Duration::from_secs(settings.limits.request_seconds);
    let stalled = Duration::from_secs(settings.limits.stalled_stream_seconds);
    let answers_per_connection = settings.limits.answers_per_connection;
    let reads_per_worker = settings.limits.reads_per_worker;
    let drain = Duration::from_secs(settings.server.drain_seconds);
    let listener = TcpListener::from_std(listener)?;
    let going = CancellationToken::new();
    let workers = TaskTracker::new();
    let mut queues = Vec::new();
    for arbiter in arbiters {
        let (queue, accepted) = mpsc::channel(WAITING_MAX);
        let (app, acceptor, state) = (app.clone(), acceptor.clone(), state.clone());
        let (going, working) = (going.clone(), workers.token());
        let served = async move || {
            // Dropped last: until then there is something to wait for.
            let _working = working;
            let app = map_config(app(), |()| AppConfig::default()).new_service(());
            let Ok(app) = app.await.map(Rc::new) else {
                return error!("the doors cannot be opened");
            };
            let terms = Terms {
                deadline,
                stalled,
                answers: state.answers.clone(),
                answers_per_connection,
                waiting: state.requests_waiting.clone(),
                low_priority: LowPriority::default(),
                reads: Reads::new(reads_per_worker),
            };
            let low_priority = terms.low_priority.clone();
            // Keeps the date, of which one is enough.
            let config = ServiceConfig::default();
            let serve_one = move |socket: TcpStream| {
                let (app, config) = (app.clone(), config.clone());
                let (acceptor, going) = (acceptor.clone(), going.clone());
                let terms = terms.clone();
                let peer = socket.peer_addr().ok();
                let counted = peer.map(|peer| state.admit(peer.ip()));
                async move {
                    // Held for as long as the connection is open; an address that has too many
                    // loses the newest at once.
                    let Some(Some(_counted)) = counted else {
                        return;
                    };
                    tune(&socket, terms.stalled);
                    let mut turns = terms.low_priority.connection();
                    let opening = open(socket, acceptor, terms.stalled, &mut turns);
                    let opening = Box::pin(opening);
                    let opening = timeout(terms.deadline, opening);
                    let opened = tokio::select! {
                        opened = opening => opened,
                        // It has asked for nothing yet.
                        () = going.cancelled() => return,
                    };
                    let going = going.cancelled();
                    match opened {
                        Ok(Ok((io, true))) => {
                            let served = h2::serve(io, peer, app, terms, turns, going);
                            ended(Box::pin(served).await);
                        }
                        Ok(Ok((io, false))) => {
                            let served = h1::serve(io, peer, &*app, config, &terms, going);
                            ended(Box::pin(served).await);
                        }
                        Ok(Err(error)) => ended(Err(error)),
                        // Nothing came, or no end of it.
                        Err(_) => {}
                    }
                }
            };
            // A task of its own, so that only the arbiter wakes it.
            let _low_priority = AbortOnDropHandle::new(actix_rt::spawn(async move {
                low_priority.serve().await;
            }));
            work(accepted, drain, serve_one).await;
        };
        arbiter.spawn_fn(move || drop(actix_rt::spawn(served())));
        queues.push(queue);
    }
    actix_rt::spawn(accept(listener, queues, going.clone()));
    Ok(Server { going, workers })
}

/// Accepts connections and deals them out.
async fn accept(
    listener: TcpListener,
    queues: Vec<mpsc::Sender<net::TcpStream>>,
    going: CancellationToken,
) {
    for turn in (0..queues.len()).cycle() {
        let accepted = async {
            let accepted = next(&listener).await;
            deal(&queues, turn, accepted).await;
        };
        tokio::select! {
            () = accepted => {}
            () = going.cancelled() => return,
        }
    }
}

/// Gives something to the queue whose turn it is, or to the next one that has room. Where none has,
/// it goes to the first that has room again: one arbiter that stands still holds up no other.
async fn deal<T>(queues: &[mpsc::Sender<T>], turn: usize, mut dealt: T) {
    for queue in queues[turn..].iter().chain(&queues[..turn]) {
        dealt = match queue.try_send(dealt) {
            Ok(()) => return,
            Err(TrySendError::Full(back) | TrySendError::Closed(back)) => back,
        };
    }
    let room = queues.iter().map(|queue| Box::pin(queue.reserve()));
    // All are closed once all arbiters have ended.
    if let Ok((place, _)) = select_ok(room).await {
        place.send(dealt);
    }
}

/// The next connection, free to be served on any arbiter.
async fn next(listener: &TcpListener) -> net::TcpStream {
    let mut told = false;
    loop {
        match listener
            .accept()
            .await
            .and_then(|(socket, _)| socket.into_std())
        {
            Ok(socket) => return socket,
            // Its client has gone already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    warn!(%error, "no connection can be accepted; they wait");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves connections until there will be no more, then waits for those that are open.
async fn work<F>(
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

/// A connection, and whether HTTP/2 is spoken on it.
type Opened = (
    Either<Socket, Box<tokio_rustls::server::TlsStream<Socket>>>,
    bool,
);

/// A socket that fails when its client takes nothing for too long.
type Socket = Pin<Box<TimeoutStream<TcpStream>>>;

async fn open(
    socket: TcpStream,
    acceptor: Option<TlsAcceptor>,
    stalled: Duration,
    turns: &mut Turns,
) -> io::Result<Opened> {
    let mut first = [0; PRIOR_KNOWLEDGE.len()];
    socket.peek(&mut first).await?;
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(stalled));
    let socket = Box::pin(socket);
    let Some(acceptor) = acceptor else {
        return Ok((Either::Left(socket), first == PRIOR_KNOWLEDGE));
    };
    // A handshake takes longer than most requests.
    let stream = turns.run(acceptor.accept(socket)).await?;
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(tls::H2);
    Ok((Either::Right(stream.into()), is_h2))
}

/// How a connection ended is its client's matter.
fn ended<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        debug!(%error, "a connection ended");
    }
}

/// Small frames go out at once; a client that is gone without a word is found by the kernel, even
/// where nobody writes to it any more. The kernel keeps as little for it as this program does:
/// by default it would keep megabytes either way.
fn tune(stream: &TcpStream, stalled: Duration) {
    let socket = SockRef::from(stream);
    let tuned = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(stalled)))
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES))
        .and_then(|()| socket.set_recv_buffer_size(RECEIVED_BYTES));
    if let Err(error) = tuned {
        debug!(%error, "a connection keeps its default options");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_arbiter_that_stands_still_holds_up_no_other() {
        let (stuck, _kept) = mpsc::channel(1);
        let (busy, mut taken) = mpsc::channel(1);
        let queues = [stuck, busy];
        let deal_all = async {
            for number in 0..100 {
                deal(&queues, number % 2, number).await;
            }
        };
        let take_all = async {
            let mut all = Vec::new();
            while all.len() < 99 {
                all.extend(taken.recv().await);
            }
            all
        };
        let ((), all) = tokio::join!(deal_all, take_all);
        assert_eq!(all, (1..100).collect::<Vec<usize>>());
    }

    #[tokio::test]
    async fn what_nobody_can_take_any_more_is_dropped() {
        let (queue, ended) = mpsc::channel::<u8>(1);
        drop(ended);
        deal(&[queue], 0, 1).await;
    }
}
