//! HTTP/1.1, on actix's codec: one request after the other. actix's own dispatcher goes on reading
//! while an answer waits to be taken, and makes requests of all that it has read: kilobytes for
//! every hundred bytes a client cares to send. Here nothing more is done for a client that does not
//! take what it was sent, and a connection on which nothing happens holds no buffers.

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
    ConnectionType, Payload, Request, Response, ServiceConfig,
    body::{BodySize, BoxBody, MessageBody},
    error::{ParseError, PayloadError},
    h1::{Codec, Message, MessageType},
};
use actix_service::Service;
use actix_web::http::{Method, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::mpsc,
    time::timeout,
};
use tokio_util::codec::{Decoder, Encoder};

/// What the head of a request may take, and what a client may send ahead of its turn.
const AHEAD_BYTES_MAX: usize = 32 * 1024;
/// How much is read at once.
const READ_BYTES: usize = 8 * 1024;
/// How much of an answer is written at once.
const WRITE_BYTES: usize = 16 * 1024;
/// How long a connection is kept for the next request: longer than the proxies in `config/` keep
/// theirs, so that none is closed under a request.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long a client may take to close its end.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

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
    deadline: Duration,
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
        body_unread: false,
        deadline,
    };
    let mut going = pin!(going);
    let mut quiet_max = deadline;
    loop {
        let head = tokio::select! {
            head = connection.head(quiet_max) => head,
            () = &mut going => break,
        };
        let mut request = match head {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(status) => {
                let refused = Response::with_body(status, ());
                connection.write(refused, false, true).await?;
                break;
            }
        };
        request.head_mut().peer_addr = peer;
        let is_head = request.method() == Method::HEAD;
        let Some(answered) = connection.ask(request, service).await? else {
            // The client takes its request with it.
            return Ok(());
        };
        let leaving = going.as_mut().now_or_never().is_some();
        match answered {
            Ok(response) => connection.write(response.into(), is_head, leaving).await?,
            Err(error) => connection.write(error.into(), is_head, leaving).await?,
        }
        if leaving || !connection.codec.keep_alive() {
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
    /// The request's body has not been read to its end.
    body_unread: bool,
    /// For the head of a request.
    deadline: Duration,
}

/// What a handler reads of a body, as it comes.
type Chunk = Result<Bytes, PayloadError>;

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    /// The next request, if one comes; otherwise why it is refused.
    async fn head(&mut self, quiet_max: Duration) -> Result<Option<Request>, StatusCode> {
        if self.ahead.is_empty() && !matches!(timeout(quiet_max, self.read()).await, Ok(Ok(true))) {
            return Ok(None);
        }
        let deadline = self.deadline;
        let whole = async {
            loop {
                match self.codec.decode(&mut self.ahead) {
                    Ok(Some(Message::Item(request))) => return Ok(Some(request)),
                    Ok(None) if self.ahead.len() < AHEAD_BYTES_MAX => {
                        if !matches!(self.read().await, Ok(true)) {
                            return Ok(None);
                        }
                    }
                    Ok(None) | Err(ParseError::TooLarge) => {
                        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
                    }
                    Ok(Some(Message::Chunk(_))) | Err(_) => return Err(StatusCode::BAD_REQUEST),
                }
            }
        };
        let whole = timeout(deadline, whole).await;
        whole.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
    }

    /// Has a request answered while its body comes in; nothing when the client left meanwhile.
    async fn ask<S: Service<Request>>(
        &mut self,
        mut request: Request,
        service: &S,
    ) -> io::Result<Option<Result<S::Response, S::Error>>> {
        let mut rest = None;
        self.body_unread = self.codec.message_type() != MessageType::None;
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
        if !self.body_unread {
            return None;
        }
        match self.codec.decode(&mut self.ahead) {
            Ok(Some(Message::Chunk(Some(chunk)))) => Some(Ok(chunk)),
            Ok(Some(Message::Chunk(None))) => {
                self.body_unread = false;
                None
            }
            Ok(None) => None,
            Ok(Some(Message::Item(_))) | Err(_) => Some(Err(PayloadError::EncodingCorrupted)),
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
                    None if !self.body_unread => break,
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

    /// Writes an answer as the client takes it.
    async fn write<B: MessageBody>(
        &mut self,
        response: Response<B>,
        is_head: bool,
        last: bool,
    ) -> io::Result<()> {
        self.skip_body();
        let (mut head, body) = response.into_parts();
        if last || self.body_unread {
            head.head_mut().set_connection_type(ConnectionType::Close);
        }
        let size = body.size();
        let head = Message::Item((head, size));
        self.codec.encode(head, &mut self.unwritten)?;
        if is_head || matches!(size, BodySize::None | BodySize::Sized(0)) {
            return self.flush().await;
        }
        let mut body = pin!(body);
        loop {
            let mut next = poll_fn(|cx| body.as_mut().poll_next(cx));
            let chunk = match (&mut next).now_or_never() {
                Some(chunk) => chunk,
                None => {
                    self.flush().await?;
                    tokio::select! {
                        chunk = next => chunk,
                        () = self.gone() => return Ok(()),
                    }
                }
            };
            match chunk {
                Some(Ok(chunk)) => self.write_chunk(chunk).await?,
                Some(Err(error)) => return Err(io::Error::other(error.into().to_string())),
                None => {
                    self.codec
                        .encode(Message::Chunk(None), &mut self.unwritten)?;
                    return self.flush().await;
                }
            }
        }
    }

    /// A body that nobody read and that has come already is no reason to hang up.
    fn skip_body(&mut self) {
        while let Some(Ok(_)) = self.chunk() {}
    }

    async fn write_chunk(&mut self, mut chunk: Bytes) -> io::Result<()> {
        while !chunk.is_empty() {
            let part = chunk.split_to(chunk.len().min(WRITE_BYTES));
            let part = Message::Chunk(Some(part));
            self.codec.encode(part, &mut self.unwritten)?;
            if self.unwritten.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
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

    /// Closes this end, and waits a moment for the other: the kernel would throw away what the
    /// client has not taken yet if it still sent something.
    async fn close(mut self) -> io::Result<()> {
        let closed = async {
            self.io.shutdown().await?;
            while self.read().await? {
                self.ahead.clear();
            }
            Ok(())
        };
        timeout(CLOSE_DEADLINE, closed).await.unwrap_or(Ok(()))
    }
}
