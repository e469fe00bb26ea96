//! HTTP/2, on the h2 crate itself. actix's own dispatcher sets none of the limits below, does not
//! tell its clients that it is going, and does not hear that a client has closed a stream on which
//! there is nothing to say.

mod body;

use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use actix_http::{
    Request, Response,
    body::{BodySize, BoxBody, MessageBody},
};
use actix_service::Service;
use actix_web::http::{
    Method, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE},
};
use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    server::{Builder, Connection, SendResponse},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};
use tracing::debug;

use super::{
    answers::{Room, is_event_stream},
    connection::Terms,
};
use body::Body;

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
/// How much of a body is given to the connection at once.
const PART_BYTES: usize = 16 * 1024;
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
    going: impl Future<Output = ()>,
) -> Result<(), h2::Error>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request> + 'static,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let mut connection: Connection<Io, Bytes> = builder().handshake(io).await?;
    let mut going = pin!(going);
    let mut quiet = pin!(sleep(QUIET_MAX));
    let mut leaving = false;
    // Held by every request that is not answered to its end.
    let shared = Rc::new(Shared {
        turns: Arc::new(Semaphore::new(terms.answers_per_connection)),
        bodies_kib: Arc::new(Semaphore::new(BODIES_KIB_MAX)),
        terms,
        peer,
    });
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, respond) = accepted?;
                // Boxed, so that what answering needs is not part of every open stream.
                let answer = Box::pin(answer(request, respond, service.clone(), shared.clone()));
                let open = shared.clone();
                actix_rt::spawn(async move {
                    let Some(answer) = answer.await else { return };
                    if let Err(error) = write(answer, open.terms.stalled).await {
                        debug!(%error, "a response was not taken to its end");
                    }
                });
                // Others have their turn between two requests of one connection.
                tokio::task::yield_now().await;
            }
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
}

/// What a request is answered, and how.
struct Answer {
    response: Response<BoxBody>,
    respond: SendResponse<Bytes>,
    /// Its request was a HEAD.
    bare: bool,
    /// One of those a connection has.
    turn: OwnedSemaphorePermit,
    room: Option<Room>,
}

/// The answer to one request. A client that goes away takes its request with it, as on HTTP/1.1.
async fn answer<S, B>(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    service: Rc<S>,
    shared: Rc<Shared>,
) -> Option<Answer>
where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let answered = async {
        let bare = request.method() == http::Method::HEAD;
        // A body comes first: those that nobody reads would fill the connection's window, and what
        // waits for a turn must not keep those that have one from coming to their end.
        let (head, body) = request.into_parts();
        let body = body::collect(&head, body, &shared.bodies_kib, shared.terms.deadline).await;
        let turn = shared.turns.clone().acquire_owned().await.ok()?;
        let Some(mut request) = read(head, body, shared.peer) else {
            return Some(Err(Reason::PROTOCOL_ERROR));
        };
        let others = shared.terms.answers_per_connection - shared.turns.available_permits();
        let untaken = others.saturating_sub(1);
        let reads = shared.terms.turn_for(&mut request, untaken).await;
        let room = shared.terms.answers.room_for(&mut request).await;
        let response = match service.call(request).await {
            Ok(response) => response.into().map_into_boxed_body(),
            Err(error) => error.into(),
        };
        drop(reads);
        let room = room.and_then(|room| room.fit(&response));
        Some(Ok((response, bare, turn, room)))
    };
    let answered = tokio::select! {
        answered = answered => answered?,
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return None,
    };
    match answered {
        Ok((response, bare, turn, room)) => Some(Answer {
            response,
            respond,
            bare,
            turn,
            room,
        }),
        Err(reason) => {
            respond.send_reset(reason);
            None
        }
    }
}

/// A request as actix has it, which keeps to an older version of the same types; `None` where that
/// does not take what the newer one took.
fn read(parts: http::request::Parts, body: Body, peer: Option<SocketAddr>) -> Option<Request> {
    let mut request = Request::with_payload(body.into_payload());
    let head = request.head_mut();
    head.uri = parts.uri.to_string().parse().ok()?;
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    head.version = Version::HTTP_2;
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        head.headers.append(name, value);
    }
    head.peer_addr = peer;
    Some(request)
}

async fn write(mut answer: Answer, stalled: Duration) -> Result<(), h2::Error> {
    // Nobody waits for the end of an answer that has none.
    let has_end = !is_event_stream(&answer.response);
    let _held = has_end.then_some((answer.turn, answer.room));
    let (head, mut body) = answer.response.into_parts();
    let ends = answer.bare || matches!(body.size(), BodySize::None | BodySize::Sized(0));
    let mut stream = answer
        .respond
        .send_response(head_of(head, body.size()), ends)?;
    if ends {
        return Ok(());
    }
    loop {
        let chunk = poll_fn(|cx| match stream.poll_reset(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Pin::new(&mut body).poll_next(cx).map(Some),
        });
        match chunk.await {
            // The client has closed it.
            None => return Ok(()),
            Some(None) => return stream.send_data(Bytes::new(), true),
            Some(Some(Ok(chunk))) => {
                if !send(&mut stream, chunk, stalled).await? {
                    stream.send_reset(Reason::CANCEL);
                    return Ok(());
                }
            }
            Some(Some(Err(error))) => {
                debug!(%error, "a body broke off");
                stream.send_reset(Reason::INTERNAL_ERROR);
                return Ok(());
            }
        }
    }
}

/// Gives a chunk to the connection as the client takes it; `false` when it has closed the stream,
/// or taken nothing of it for too long while the connection goes on.
async fn send(
    stream: &mut SendStream<Bytes>,
    mut chunk: Bytes,
    stalled: Duration,
) -> Result<bool, h2::Error> {
    while !chunk.is_empty() {
        stream.reserve_capacity(chunk.len().min(PART_BYTES));
        match timeout(stalled, poll_fn(|cx| stream.poll_capacity(cx))).await {
            Ok(Some(capacity)) => {
                let part = chunk.split_to(capacity?.min(chunk.len()));
                stream.send_data(part, false)?;
            }
            Ok(None) | Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// The head of a response, without what belongs to an HTTP/1.1 connection (RFC 9113, 8.2.2).
fn head_of(response: Response<()>, size: BodySize) -> http::Response<()> {
    let newer = "what one version of a type holds, the next one takes";
    let mut head = http::Response::new(());
    *head.status_mut() = http::StatusCode::from_u16(response.status().as_u16()).expect(newer);
    let headers = head.headers_mut();
    for (name, value) in response.headers() {
        if ![CONNECTION, TRANSFER_ENCODING, UPGRADE, CONTENT_LENGTH].contains(name) {
            let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).expect(newer);
            let value = http::HeaderValue::from_bytes(value.as_bytes()).expect(newer);
            headers.append(name, value);
        }
    }
    headers.remove("keep-alive");
    match size {
        BodySize::Sized(bytes) if response.status() != StatusCode::NO_CONTENT => {
            headers.insert(http::header::CONTENT_LENGTH, bytes.into());
        }
        _ => {}
    }
    let now = httpdate::fmt_http_date(std::time::SystemTime::now());
    let now = now.try_into().expect("a date is ASCII");
    headers.insert(http::header::DATE, now);
    head
}
