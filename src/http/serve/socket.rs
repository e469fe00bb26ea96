//! Opens an accepted socket: its options, TLS, and whether the client speaks HTTP/2.

use std::{io, time::Duration};

use actix_rt::net::TcpStream;
use socket2::SockRef;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;
use tracing::debug;

use super::{h2, low_priority::ConnectionTurns, stall::StallLimit, tls};

/// What the kernel buffers for one socket in each direction; a request's body fits. By default it would
/// buffer megabytes either way.
const UNSENT_BYTES: u32 = 64 * 1024;
const RECEIVED_BYTES: usize = 64 * 1024;
/// How HTTP/2 begins without TLS (RFC 9113, 3.4); no method of HTTP/1.1 begins like this.
const PRIOR_KNOWLEDGE: &[u8] = b"PRI";
/// The longest pause before a partial preface is checked again.
const LAST_PAUSE: Duration = Duration::from_millis(512);

/// A socket whose writes fail when its client takes nothing for too long.
type Socket = StallLimit<TcpStream>;

/// A connection in the clear or by TLS.
type Io = Either<Socket, Box<tokio_rustls::server::TlsStream<Socket>>>;

/// A connection by what is spoken on it.
pub enum Opened {
    Http1(Io),
    Http2(Box<h2::Connection<Io>>, ConnectionTurns),
}

/// Waits for a client's first bytes and does the handshakes: of TLS where there is an acceptor, and of HTTP/2.
pub async fn open(
    socket: TcpStream,
    acceptor: Option<TlsAcceptor>,
    stalled: Duration,
    mut turns: ConnectionTurns,
) -> io::Result<Opened> {
    let has_prior_knowledge = has_prior_knowledge(&socket).await?;
    let socket = StallLimit::new(socket, stalled);
    let (io, is_h2): (Io, bool) = match acceptor {
        None => (Either::Left(socket), has_prior_knowledge),
        Some(acceptor) => {
            // A handshake takes more processor time than most requests.
            let stream = turns.run(acceptor.accept(socket)).await?;
            let is_h2 = stream.get_ref().1.alpn_protocol() == Some(tls::H2);
            (Either::Right(stream.into()), is_h2)
        }
    };
    Ok(match is_h2 {
        true => {
            let opened = turns.run(h2::handshake(io)).await;
            Opened::Http2(Box::new(opened.map_err(io::Error::other)?), turns)
        }
        false => Opened::Http1(io),
    })
}

/// Whether a client begins with HTTP/2. A partial preface is checked again, with growing pauses, for about a second,
/// because a socket with unread bytes does not signal that more have arrived.
async fn has_prior_knowledge(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PRIOR_KNOWLEDGE.len()];
    let mut pause = Duration::from_millis(1);
    loop {
        let len = socket.peek(&mut first).await?;
        let is_beginning = (1..first.len()).contains(&len);
        let may_become = is_beginning && PRIOR_KNOWLEDGE.starts_with(&first[..len]);
        if !may_become || pause > LAST_PAUSE {
            return Ok(first == PRIOR_KNOWLEDGE);
        }
        sleep(pause).await;
        pause *= 2;
    }
}

/// Sends small frames at once, has the kernel close the connection of a client that vanished even where
/// nothing more is written to it, and bounds what the kernel buffers.
pub fn set_options(stream: &TcpStream, stalled: Duration) {
    let socket = SockRef::from(stream);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(stalled)))
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES))
        .and_then(|()| socket.set_recv_buffer_size(RECEIVED_BYTES));
    if let Err(error) = set {
        debug!(%error, "a connection keeps its default options");
    }
}
