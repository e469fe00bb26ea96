//! From a socket to the doors: TLS where it is set, then HTTP/1.1 or HTTP/2, whichever the client
//! speaks.

use std::{io, net::TcpListener, rc::Rc, time::Duration};

use actix_http::{Request, Response, ServiceConfig};
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

use super::{
    State,
    h1::{self, Patience},
    h2, tls,
};
use crate::config::Settings;

/// What the kernel takes for a client before it is ready to be sent it, and what it takes from a
/// client before it is read: a request's body fits.
const UNSENT_BYTES: u32 = 64 * 1024;
const RECEIVED_BYTES: usize = 64 * 1024;
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
    let patience = Patience {
        request: Duration::from_secs(settings.limits.request_seconds),
        stalled: Duration::from_secs(settings.limits.stalled_stream_seconds),
    };
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
            let app = map_config(app(), |()| AppConfig::default()).new_service(());
            let (acceptor, going) = (acceptor.clone(), going.clone());
            let state = state.clone();
            async move {
                let app = Rc::new(app.await.map_err(|error| {
                    tracing::error!(?error, "the doors cannot be opened");
                })?);
                // Keeps the date, of which one is enough.
                let config = ServiceConfig::default();
                Ok::<_, ()>(fn_service(move |socket: TcpStream| {
                    let (app, config) = (app.clone(), config.clone());
                    let (acceptor, going) = (acceptor.clone(), going.clone());
                    let peer = socket.peer_addr().ok();
                    let counted = peer.map(|peer| state.admit(peer.ip()));
                    async move {
                        // Held for as long as the connection is open; an address that has too
                        // many loses the newest at once.
                        let Some(Some(_counted)) = counted else {
                            return Ok(());
                        };
                        tune(&socket, patience.stalled);
                        let opening = timeout(patience.request, Box::pin(open(socket, acceptor)));
                        let opened = tokio::select! {
                            opened = opening => opened,
                            // It has asked for nothing yet.
                            () = going.notified() => return Ok(()),
                        };
                        let going = async move { going.notified().await };
                        match opened {
                            Ok(Ok((io, true))) => {
                                let served = h2::serve(io, peer, app, patience.stalled, going);
                                ended(Box::pin(served).await);
                            }
                            Ok(Ok((io, false))) => {
                                let served = h1::serve(io, peer, &*app, config, patience, going);
                                ended(Box::pin(served).await);
                            }
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
/// even where nobody writes to it any more. The kernel keeps as little for it as this program does:
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
