//! From a socket to the doors: TLS where it is set, then HTTP/1.1 or HTTP/2, whichever the client
//! speaks.

use std::{io, net::TcpListener, rc::Rc, time::Duration};

use actix_http::{HttpService, Request, Response};
use actix_rt::net::TcpStream;
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, fn_factory, fn_service, map_config,
};
use actix_web::{Error, body::MessageBody, dev::AppConfig};
use socket2::SockRef;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;
use tracing::debug;

use super::{State, h2, tls};
use crate::config::Settings;

/// How long a connection of HTTP/1.1 is kept for the next request: longer than the proxies in
/// `config/` keep theirs, so that none is closed under a request.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long a client may take to close its end.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// How HTTP/2 begins where nothing was agreed on; no method of HTTP/1.1 begins so.
const PRIOR_KNOWLEDGE: &[u8] = b"PRI";

/// Serves an app on a socket, by TLS where there is an acceptor.
///
/// # Errors
/// What the system says.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    settings: &Settings,
    acceptor: Option<TlsAcceptor>,
    state: &State,
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
    let builder = Server::build()
        .workers(settings.workers())
        .shutdown_timeout(settings.server.drain_seconds)
        .disable_signals();
    let going = builder.graceful_shutdown_signal();
    let state = state.clone();
    let served = move || {
        let (app, acceptor, going) = (app.clone(), acceptor.clone(), going.clone());
        let state = state.clone();
        fn_factory(move || {
            let app = || map_config(app(), |()| AppConfig::default());
            let signal = going.clone();
            let h1 = HttpService::build()
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(deadline)
                .client_disconnect_timeout(CLOSE_DEADLINE)
                // A closed tab closes its stream at once; nobody shuts one half of a connection
                // and listens.
                .h1_allow_half_closed(false)
                .graceful_shutdown_signal(move || {
                    let signal = signal.clone();
                    async move { signal.notified().await }
                })
                .h1(app())
                .new_service(());
            let h2 = app().new_service(());
            let (acceptor, going) = (acceptor.clone(), going.clone());
            let state = state.clone();
            async move {
                let h1 = Rc::new(h1.await?);
                let h2 = Rc::new(h2.await.map_err(|error| {
                    tracing::error!(?error, "the doors cannot be opened");
                })?);
                Ok::<_, ()>(fn_service(move |socket: TcpStream| {
                    let (h1, h2) = (h1.clone(), h2.clone());
                    let (acceptor, going) = (acceptor.clone(), going.clone());
                    let peer = socket.peer_addr().ok();
                    let counted = peer.map(|peer| state.admit(peer.ip()));
                    async move {
                        // Held for as long as the connection is open; an address that has too
                        // many loses the newest at once.
                        let Some(Some(_counted)) = counted else {
                            return Ok(());
                        };
                        tune(&socket, stalled);
                        let opening = timeout(deadline, Box::pin(open(socket, acceptor)));
                        let opened = tokio::select! {
                            opened = opening => opened,
                            // It has asked for nothing yet.
                            () = going.notified() => return Ok(()),
                        };
                        match opened {
                            Ok(Ok((io, true))) => {
                                let going = async move { going.notified().await };
                                let served = h2::serve(io, peer, h2, stalled, going);
                                ended(Box::pin(served).await);
                            }
                            Ok(Ok((io, false))) => ended(h1.call((io, peer)).await),
                            Ok(Err(error)) => ended(Err(error)),
                            // Nothing came, or no end of it.
                            Err(_) => {}
                        }
                        Ok::<_, ()>(())
                    }
                }))
            }
        })
    };
    Ok(builder.listen("duet", listener, served)?.run())
}

/// A connection, and whether HTTP/2 is spoken on it.
type Opened = (
    Either<TcpStream, Box<tokio_rustls::server::TlsStream<TcpStream>>>,
    bool,
);

async fn open(socket: TcpStream, acceptor: Option<TlsAcceptor>) -> io::Result<Opened> {
    let Some(acceptor) = acceptor else {
        let mut first = [0; PRIOR_KNOWLEDGE.len()];
        socket.peek(&mut first).await?;
        return Ok((Either::Left(socket), first == PRIOR_KNOWLEDGE));
    };
    let stream = acceptor.accept(socket).await?;
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(tls::H2);
    Ok((Either::Right(stream.into()), is_h2))
}

/// How a connection ended is its client's matter.
fn ended<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        debug!(%error, "a connection ended");
    }
}

/// Small frames go out at once; a client that takes nothing for too long is cut off by the kernel,
/// even where nobody writes to it any more.
fn tune(stream: &TcpStream, stalled: Duration) {
    let socket = SockRef::from(stream);
    let tuned = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(stalled)));
    if let Err(error) = tuned {
        debug!(%error, "a connection keeps its default options");
    }
}
