//! HTTP/1.1, on actix's codec: one request after the other. actix's own dispatcher goes on reading
//! while an answer waits to be taken, and makes requests of all that it has read: kilobytes for
//! every hundred bytes a client cares to send. Here nothing more is done for a client that does not
//! take what it was sent, and a connection on which nothing happens holds no buffers.

mod head;
#[cfg(test)]
mod tests;
mod writing;

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{
    Payload, Request, Response, ServiceConfig,
    body::{BoxBody, MessageBody},
    error::{ParseError, PayloadError},
    h1::{Codec, Message, MessageType},
};
use actix_service::Service;
use actix_web::http::{Method, Version};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::mpsc,
    time::timeout,
};
use tokio_util::codec::Decoder;

use super::{connection::Terms, observe, problem::Problem};
use head::{Scan, Seen};

/// What the head of a request may take, and what a client may send ahead of its turn.
const AHEAD_BYTES_MAX: usize = 32 * 1024;
/// How much is read at once.
const READ_BYTES: usize = 8 * 1024;
/// How long a connection is kept for the next request: longer than the proxies in `config/` keep
/// theirs, so that none is closed under a request.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long a client that was told that the connection ends may say nothing before it is closed, and how
/// much it may still send.
const CLOSE_PAUSE_MAX: Duration = Duration::from_secs(1);
const CLOSE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Serves one connection until its client leaves, or until this instance does and the request on it
/// is answered.
///
/// # Errors
/// The client is gone, takes nothing, or an answer broke off.
pub async fn serve<Io, S, B>(
    io: Io,
    peer: Option<SocketAddr>,
    service: &S,
    config: ServiceConfig,
    terms: &Terms,
    going: impl Future<Output = ()>,
) -> io::Result<()>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody,
{
    let mut connection = Connection {
        io,
        codec: Codec::new(config),
        ahead: BytesMut::new(),
        unwritten: BytesMut::new(),
        version: Version::HTTP_11,
        body_unread: false,
        is_faulty: false,
        deadline: terms.deadline,
    };
    let mut going = pin!(going);
    let mut quiet_max = terms.deadline;
    loop {
        let head = tokio::select! {
            head = connection.head(quiet_max) => head,
            () = &mut going => break,
        };
        let mut request = match head {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(problem) => {
                connection.refuse(&problem).await?;
                break;
            }
        };
        request.head_mut().peer_addr = peer;
        let is_head = request.method() == Method::HEAD;
        // A proxy may take the body of a GET for the next request, so nothing comes after it.
        let is_odd =
            connection.has_body() && matches!(*request.method(), Method::GET | Method::HEAD);
        let room = terms.answers.room_for(&mut request, false).await;
        let turn = terms.turn_for(&mut request, 0).await;
        let answered = connection.ask(request, service).await?;
        drop(turn);
        let Some(answered) = answered else {
            // The client takes its request with it.
            return Ok(());
        };
        let leaving = going.as_mut().now_or_never().is_some();
        let last = leaving || is_odd || connection.version < Version::HTTP_11;
        match answered {
            Ok(response) => {
                connection
                    .write(response.into(), room, is_head, last)
                    .await?
            }
            Err(error) => connection.write(error.into(), room, is_head, last).await?,
        }
        if last || !connection.codec.keep_alive() {
            break;
        }
        quiet_max = KEEP_ALIVE;
    }
    connection.close().await
}

struct Connection<Io> {
    io: Io,
    codec: Codec,
    /// What was read and not yet understood.
    ahead: BytesMut,
    /// What was not yet written of an answer.
    unwritten: BytesMut,
    /// Of the request that is being answered.
    version: Version,
    /// The request's body has not been read to its end.
    body_unread: bool,
    /// Something was no HTTP: where the next request would begin is not known any more, so nothing
    /// more is read, whatever it looks like.
    is_faulty: bool,
    /// For the head of a request.
    deadline: Duration,
}

/// What a handler reads of a body, as it comes.
type Chunk = Result<Bytes, PayloadError>;

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    /// The next request, if one comes; otherwise why it is refused.
    async fn head(&mut self, quiet_max: Duration) -> Result<Option<Request>, Problem> {
        if self.ahead.is_empty() && !matches!(timeout(quiet_max, self.read()).await, Ok(Ok(true))) {
            return Ok(None);
        }
        let deadline = self.deadline;
        let whole = async {
            let mut scan = Scan::default();
            loop {
                // Empty lines before a request are no fault of it (RFC 9112, 2.2).
                while scan.is_at_start() && self.ahead.starts_with(b"\r\n") {
                    self.ahead.advance(2);
                }
                match scan.go_on(&self.ahead) {
                    Seen::Whole(end) => return self.request(end).map(Some),
                    Seen::Fault => return Err(Problem::NotHttp),
                    Seen::Part if self.ahead.len() < AHEAD_BYTES_MAX => {
                        if !matches!(self.read().await, Ok(true)) {
                            return Ok(None);
                        }
                    }
                    Seen::Part => return Err(Problem::HeadTooLarge),
                }
            }
        };
        let whole = timeout(deadline, whole).await;
        whole.unwrap_or_else(|_| Err(Problem::Timeout))
    }

    /// The request whose head ends there.
    fn request(&mut self, end: usize) -> Result<Request, Problem> {
        head::ignore_upgrade(&mut self.ahead[..end]);
        let rest = self.ahead.len() - end;
        let request = match self.codec.decode(&mut self.ahead) {
            Ok(Some(Message::Item(request))) if self.ahead.len() == rest => request,
            Err(ParseError::TooLarge) => return Err(Problem::HeadTooLarge),
            // With the codec the head must end where it ended above.
            Ok(_) | Err(_) => return Err(Problem::NotHttp),
        };
        // What follows it is for whoever it would connect to.
        if request.method() == Method::CONNECT {
            return Err(Problem::UnknownMethod);
        }
        self.version = request.head().version;
        Ok(request)
    }

    /// Whether the request that came last has a body.
    fn has_body(&self) -> bool {
        self.codec.message_type() != MessageType::None
    }

    /// Answers what is no request that anybody could be asked, and reads nothing more.
    async fn refuse(&mut self, problem: &Problem) -> io::Result<()> {
        self.is_faulty = true;
        // The codec may be in the middle of something.
        self.codec = Codec::new(self.codec.config().clone());
        let refused = observe::refused(problem);
        self.write(refused.into(), None, false, true).await
    }

    /// Has a request answered while its body comes in; nothing when the client left meanwhile.
    async fn ask<S: Service<Request>>(
        &mut self,
        mut request: Request,
        service: &S,
    ) -> io::Result<Option<Result<S::Response, S::Error>>> {
        let mut rest = None;
        self.body_unread = self.has_body();
        if self.body_unread {
            if request.head().expect() {
                let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
                self.unwritten.extend_from_slice(go_on);
                self.flush().await?;
            }
            let chunks = self.chunks_at_hand();
            let over = !self.body_unread || chunks.last().is_some_and(Result::is_err);
            let at_hand = stream::iter(chunks);
            let payload = if over {
                at_hand.boxed_local()
            } else {
                let (sender, mut receiver) = mpsc::channel(1);
                rest = Some(sender);
                let to_come = stream::poll_fn(move |cx| receiver.poll_recv(cx));
                at_hand.chain(to_come).boxed_local()
            };
            *request.payload() = Payload::Stream { payload };
        }
        // Boxed, so that what answering needs is not part of every open stream.
        let answered = Box::pin(service.call(request));
        tokio::select! {
            biased;
            answered = answered => Ok(Some(answered)),
            () = self.attend(rest) => Ok(None),
        }
    }

    /// What has come of a body already: mostly all of it, with the head.
    fn chunks_at_hand(&mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.chunk() {
            let broken = chunk.is_err();
            chunks.push(chunk);
            if broken {
                break;
            }
        }
        chunks
    }

    /// The next part of a body, if there is one and it has come.
    fn chunk(&mut self) -> Option<Chunk> {
        if !self.body_unread || self.is_faulty {
            return None;
        }
        match self.codec.decode(&mut self.ahead) {
            Ok(Some(Message::Chunk(Some(chunk)))) => Some(Ok(chunk)),
            Ok(Some(Message::Chunk(None))) => {
                self.body_unread = false;
                None
            }
            Ok(None) => None,
            Ok(Some(Message::Item(_))) | Err(_) => {
                self.is_faulty = true;
                Some(Err(PayloadError::EncodingCorrupted))
            }
        }
    }

    /// Hands on the rest of a body as it is read, then waits until the client is gone.
    async fn attend(&mut self, rest: Option<mpsc::Sender<Chunk>>) {
        if let Some(rest) = rest {
            // Somebody reads it.
            while let Ok(room) = rest.reserve().await {
                match self.chunk() {
                    Some(chunk) => {
                        let broken = chunk.is_err();
                        room.send(chunk);
                        if broken {
                            break;
                        }
                    }
                    None if !self.body_unread || self.is_faulty => break,
                    None => {
                        if !matches!(self.read().await, Ok(true)) {
                            return;
                        }
                    }
                }
            }
        }
        self.gone().await;
    }

    /// Ready when the client is gone. One that sends ahead of its turn is not listened to for long;
    /// that it has gone shows when it is written to.
    async fn gone(&mut self) {
        while self.ahead.len() < AHEAD_BYTES_MAX {
            if !matches!(self.read().await, Ok(true)) {
                return;
            }
        }
        std::future::pending().await
    }

    /// Writes all there is.
    async fn flush(&mut self) -> io::Result<()> {
        self.io.write_all(&self.unwritten).await?;
        self.unwritten = BytesMut::new();
        self.io.flush().await
    }

    /// Reads some more; `false` when the client has closed its end.
    async fn read(&mut self) -> io::Result<bool> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    /// By way of the stack: who waits here for long holds no buffer.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        std::task::ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
        self.ahead.extend_from_slice(read.filled());
        Poll::Ready(Ok(!read.filled().is_empty()))
    }

    /// Closes this end, and reads on for a while: the kernel would reset the connection if the client
    /// still sent something, and throw away the answer that it has not read (RFC 9112, 9.6).
    async fn close(mut self) -> io::Result<()> {
        let deadline = self.deadline;
        let closed = async {
            self.io.shutdown().await?;
            let mut left = CLOSE_BYTES_MAX;
            while left > 0 {
                let Ok(true) = timeout(CLOSE_PAUSE_MAX, self.read())
                    .await
                    .unwrap_or(Ok(false))
                else {
                    break;
                };
                left = left.saturating_sub(self.ahead.len());
                self.ahead.clear();
            }
            Ok(())
        };
        timeout(deadline, closed).await.unwrap_or(Ok(()))
    }
}
