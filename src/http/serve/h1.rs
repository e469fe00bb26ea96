//! HTTP/1.1 on actix's codec, one request after the other. actix's own dispatcher keeps reading and parsing
//! pipelined requests while a response waits to be taken, which costs kilobytes of memory for every hundred
//! bytes a client sends. This loop does nothing for a client that does not take its response, and an idle
//! connection holds no buffers.

mod head;
mod responses;
#[cfg(test)]
mod tests;
mod trailers;
mod transfer;

use std::{io, net::SocketAddr, pin::Pin, rc::Rc, time::Duration};

use actix_http::{
    Request, RequestHead, Response, ServiceConfig,
    body::BoxBody,
    error::{ParseError, PayloadError},
    h1::{Codec, Message, MessageType},
};
use actix_web::http::{
    Method, Version,
    header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING},
};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_util::codec::Decoder;

use super::{
    App, ConnectionContext,
    body::{self, Body},
    response_memory::Reservation,
};
use crate::http::problem::Problem;
use head::{HeadScan, Scanned};
use trailers::TrailerScan;

/// The longest head of a request, and the most that is buffered of pipelined requests.
const UNPARSED_BYTES_MAX: usize = 32 * 1024;
/// How long an idle connection is kept. Longer than proxies keep theirs, up to two minutes (Caddy's default), so that none
/// is closed just as a proxy sends a request on it.
const KEEP_ALIVE: Duration = Duration::from_secs(130);

/// A connection. Each step is a future boxed by itself, so that an idle connection, or one with an open event stream,
/// holds no memory for the other steps.
pub struct Connection<Io> {
    io: Io,
    peer: Option<SocketAddr>,
    context: Rc<ConnectionContext>,
    codec: Codec,
    /// Read and not parsed yet.
    unparsed: BytesMut,
    /// Encoded and not written yet.
    unwritten: BytesMut,
    /// The version of the current request.
    version: Version,
    /// The current request's body has not been read to its end.
    body_unread: bool,
    /// Set while that body is chunked.
    trailers: Option<TrailerScan>,
    /// Something was not HTTP. Where the next request begins is then unknown, so nothing more is parsed.
    is_faulty: bool,
}

/// What a connection does next.
enum Next {
    Respond(Answer),
    /// Nothing more is requested on it.
    Close,
    /// The client closed it while its request was answered: the request is cancelled.
    Gone,
}

/// A response that is to be written.
struct Answer {
    response: Response<BoxBody>,
    reservation: Option<Reservation>,
    /// The request was a HEAD, so the response has no body.
    is_head: bool,
    /// The connection ends after it.
    is_last: bool,
}

/// A part of a body.
type Part = Result<Bytes, PayloadError>;

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    pub fn new(
        io: Io,
        peer: Option<SocketAddr>,
        config: ServiceConfig,
        context: Rc<ConnectionContext>,
    ) -> Self {
        Self {
            io,
            peer,
            context,
            codec: Codec::new(config),
            unparsed: BytesMut::new(),
            unwritten: BytesMut::new(),
            version: Version::HTTP_11,
            body_unread: false,
            trailers: None,
            is_faulty: false,
        }
    }

    /// Serves it until the client closes it, or until the shutdown once the request in progress is answered.
    ///
    /// # Errors
    /// The client is gone or takes nothing, or a response broke off.
    pub async fn serve(
        &mut self,
        app: &impl App,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> io::Result<()> {
        let mut idle_max = self.context.deadline;
        loop {
            let next = Box::pin(self.next(idle_max, app, shutdown.as_mut()));
            let (is_last, written) = match next.await? {
                Next::Respond(answer) => (answer.is_last, self.write(answer)),
                Next::Close => break,
                Next::Gone => return Ok(()),
            };
            written.await?;
            if is_last || !self.codec.keep_alive() {
                break;
            }
            idle_max = KEEP_ALIVE;
        }
        Box::pin(self.close()).await
    }

    /// Waits for the next request and answers it.
    async fn next(
        &mut self,
        idle_max: Duration,
        app: &impl App,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> io::Result<Next> {
        let head = tokio::select! {
            head = self.head(idle_max) => head,
            () = &mut shutdown => return Ok(Next::Close),
        };
        let mut request = match head {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(Next::Close),
            Err(problem) => return Ok(Next::Respond(self.refuse(&problem))),
        };
        request.head_mut().peer_addr = self.peer;
        let is_head = request.method() == Method::HEAD;
        // A proxy may take the body of a GET for the next request, so the connection ends after it.
        let get_with_body =
            self.has_body() && matches!(*request.method(), Method::GET | Method::HEAD);
        // Boxed, so that a connection that waits for a request holds no memory for what follows.
        let answered = Box::pin(self.answer(request, app));
        let Some((response, reservation)) = answered.await? else {
            return Ok(Next::Gone);
        };
        let stopping = shutdown.now_or_never().is_some();
        Ok(Next::Respond(Answer {
            response,
            reservation,
            is_head,
            is_last: stopping || get_with_body || self.version < Version::HTTP_11,
        }))
    }

    /// Reads the next request's head; `None` when the client closes the connection or is idle for too long.
    async fn head(&mut self, idle_max: Duration) -> Result<Option<Request>, Problem> {
        if self.unparsed.is_empty() && !matches!(timeout(idle_max, self.read()).await, Ok(Ok(true)))
        {
            return Ok(None);
        }
        let deadline = self.context.deadline;
        let whole = async {
            let mut scan = HeadScan::default();
            loop {
                // Empty lines before a request are to be ignored (RFC 9112, 2.2).
                while scan.is_at_start() && self.unparsed.starts_with(b"\r\n") {
                    self.unparsed.advance(2);
                }
                match scan.scan(&self.unparsed) {
                    Scanned::Complete(end) => return self.request(end).map(Some),
                    Scanned::Invalid => return Err(Problem::NotHttp),
                    Scanned::Partial if self.unparsed.len() < UNPARSED_BYTES_MAX => {
                        if !matches!(self.read().await, Ok(true)) {
                            return Ok(None);
                        }
                    }
                    Scanned::Partial => return Err(Problem::HeadTooLarge),
                }
            }
        };
        let whole = timeout(deadline, whole).await;
        whole.unwrap_or_else(|_| Err(Problem::Timeout))
    }

    /// Parses the request whose head has this length.
    fn request(&mut self, head_len: usize) -> Result<Request, Problem> {
        head::ignore_upgrade(&mut self.unparsed[..head_len]);
        let rest = self.unparsed.len() - head_len;
        let request = match self.codec.decode(&mut self.unparsed) {
            Ok(Some(Message::Item(request))) if self.unparsed.len() == rest => request,
            Err(ParseError::TooLarge) => return Err(Problem::HeadTooLarge),
            // The codec must agree on where the head ends.
            Ok(_) | Err(_) => return Err(Problem::NotHttp),
        };
        // What follows a CONNECT is not HTTP.
        if request.method() == Method::CONNECT {
            return Err(Problem::UnknownMethod);
        }
        self.version = request.head().version;
        Ok(request)
    }

    /// Whether the current request has a body.
    fn has_body(&self) -> bool {
        self.codec.message_type() != MessageType::None
    }

    /// The answer to something that is not a valid request, which ends the connection.
    fn refuse(&mut self, problem: &Problem) -> Answer {
        self.is_faulty = true;
        // The old codec may be in the middle of a body.
        self.codec = Codec::new(self.codec.config().clone());
        Answer {
            response: self.context.refusal(problem),
            reservation: None,
            is_head: false,
            is_last: true,
        }
    }

    /// Reads a request's body and answers it, with memory for the response; `None` when the client closes the
    /// connection meanwhile.
    async fn answer(
        &mut self,
        mut request: Request,
        app: &impl App,
    ) -> io::Result<Option<(Response<BoxBody>, Option<Reservation>)>> {
        self.body_unread = self.has_body();
        let is_chunked = request.head().headers().contains_key(TRANSFER_ENCODING);
        self.trailers = is_chunked.then(TrailerScan::default);
        if self.body_unread {
            let body = Box::pin(self.body(request.head())).await?;
            *request.payload() = body.into_payload();
        }
        let context = self.context.clone();
        Ok(tokio::select! {
            biased;
            answered = context.answer(request, app, false, 0) => Some(answered),
            () = self.gone() => None,
        })
    }

    /// Reads a request's body, unless it is too long or its method takes none.
    async fn body(&mut self, head: &RequestHead) -> io::Result<Body> {
        let announced = head.headers().get(CONTENT_LENGTH);
        let announced = announced.map(HeaderValue::as_bytes);
        if body::length_max(head.method.as_str(), announced).is_none() {
            return Ok(Body::unread());
        }
        if head.expect() && self.unparsed.is_empty() {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.unwritten.extend_from_slice(go_on);
            self.flush().await?;
        }
        let deadline = self.context.deadline;
        Ok(body::collect(async || self.next_part().await, deadline).await)
    }

    /// The next part of a body; `None` at its end.
    async fn next_part(&mut self) -> Option<Part> {
        loop {
            let part = self.part();
            if part.is_some() || !self.body_unread || self.is_faulty {
                return part;
            }
            if !matches!(self.read().await, Ok(true)) {
                return Some(Err(PayloadError::Incomplete(None)));
            }
        }
    }

    /// The next part of a body, if it has arrived.
    fn part(&mut self) -> Option<Part> {
        if !self.body_unread || self.is_faulty {
            return None;
        }
        let trailers = self.trailers.as_mut();
        if trailers.is_some_and(|trailers| !trailers.scan(&self.unparsed)) {
            return self.corrupted();
        }
        let decoded = self.codec.decode(&mut self.unparsed);
        if let Some(trailers) = &mut self.trailers {
            trailers.left(self.unparsed.len());
        }
        match decoded {
            Ok(Some(Message::Chunk(Some(part)))) => Some(Ok(part)),
            Ok(Some(Message::Chunk(None))) => {
                self.body_unread = false;
                None
            }
            Ok(None) => None,
            Ok(Some(Message::Item(_))) | Err(_) => self.corrupted(),
        }
    }

    fn corrupted(&mut self) -> Option<Part> {
        self.is_faulty = true;
        Some(Err(PayloadError::EncodingCorrupted))
    }
}
