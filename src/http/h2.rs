//! HTTP/2, on the h2 crate itself. actix's own dispatcher sets none of the limits below, does not
//! tell its clients that it is going, and does not hear that a client has closed a stream on which
//! there is nothing to say.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use actix_http::{
    Payload, Request, Response,
    body::{BodySize, BoxBody, MessageBody},
    error::PayloadError,
};
use actix_service::Service;
use actix_web::http::{
    Method, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
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

/// Requests and streams that one connection may have open; a proxy opens another for more.
const STREAMS_MAX: u32 = 100;
/// Of these, how many pages and the like are answered at once, streams aside: as many bodies wait in
/// memory for a client that takes its time.
const ANSWERS_MAX: usize = 4;
/// What the headers of one request may take.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;
/// What one request, and all of one connection, may send ahead of being read.
const REQUEST_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
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
    stalled: Duration,
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
    let turns = Arc::new(Semaphore::new(ANSWERS_MAX));
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, respond) = accepted?;
                // Boxed, so that what answering needs is not part of every open stream.
                let answer = Box::pin(answer(request, respond, peer, service.clone(), turns.clone()));
                let open = turns.clone();
                actix_rt::spawn(async move {
                    let _open = open;
                    let Some(answer) = answer.await else { return };
                    if let Err(error) = write(answer, stalled).await {
                        debug!(%error, "a response was not taken to its end");
                    }
                });
            }
            () = &mut going, if !leaving => {
                leaving = true;
                connection.graceful_shutdown();
            }
            () = &mut quiet => {
                if Arc::strong_count(&turns) == 1 {
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

/// What a request is answered, and how.
struct Answer {
    response: Response<BoxBody>,
    respond: SendResponse<Bytes>,
    /// Its request was a HEAD.
    bare: bool,
    /// One of [`ANSWERS_MAX`], unless the request has a body.
    turn: Option<OwnedSemaphorePermit>,
}

/// The answer to one request. A client that goes away takes its request with it, as on HTTP/1.1.
async fn answer<S, B>(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    peer: Option<SocketAddr>,
    service: Rc<S>,
    turns: Arc<Semaphore>,
) -> Option<Answer>
where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let bare = request.method() == http::Method::HEAD;
    // What has a body does not wait: bodies that nobody reads would fill the connection's window,
    // and those that are being read could not come to their end.
    let turn = match request.body().is_end_stream() {
        true => tokio::select! {
            turn = turns.acquire_owned() => turn.ok(),
            _ = poll_fn(|cx| respond.poll_reset(cx)) => return None,
        },
        false => None,
    };
    let Some(request) = read(request, peer) else {
        respond.send_reset(Reason::PROTOCOL_ERROR);
        return None;
    };
    let answered = tokio::select! {
        answered = service.call(request) => answered,
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return None,
    };
    let response = match answered {
        Ok(response) => response.into().map_into_boxed_body(),
        Err(error) => error.into(),
    };
    Some(Answer {
        response,
        respond,
        bare,
        turn,
    })
}

/// A request as actix has it, which keeps to an older version of the same types; `None` where that
/// does not take what the newer one took.
fn read(request: http::Request<RecvStream>, peer: Option<SocketAddr>) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let payload = match body.is_end_stream() {
        true => Payload::None,
        false => Payload::Stream {
            payload: chunks(body).boxed_local(),
        },
    };
    let mut request = Request::with_payload(payload);
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

/// A body as it comes; the client may send on as far as it was read.
fn chunks(body: RecvStream) -> impl stream::Stream<Item = Result<Bytes, PayloadError>> {
    stream::unfold(body, |mut body| async {
        let chunk = body.data().await?;
        let chunk = chunk.and_then(|chunk| {
            body.flow_control().release_capacity(chunk.len())?;
            Ok(chunk)
        });
        Some((
            chunk.map_err(|error| PayloadError::Io(io::Error::other(error))),
            body,
        ))
    })
}

async fn write(mut answer: Answer, stalled: Duration) -> Result<(), h2::Error> {
    let (head, mut body) = answer.response.into_parts();
    // Nobody waits for the end of an answer that has none.
    let _turn = answer.turn.filter(|_| body.size() != BodySize::Stream);
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
