//! Writes responses over HTTP/2.

use std::{
    any::Any,
    convert::Infallible,
    future::{poll_fn, ready},
    pin::Pin,
    rc::Rc,
    task::Poll,
};

use actix_http::{
    Response,
    body::{BodySize, BoxBody, MessageBody},
};
use actix_web::http::{
    StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE},
};
use bytes::{Buf, Bytes};
use futures_util::{FutureExt, future::LocalBoxFuture};
use h2::{Reason, SendStream};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use tracing::debug;

use super::{Shared, requests::PendingResponse};
use crate::http::serve::response_memory::is_event_stream;

/// How much of a body is given to the connection at once.
const PART_BYTES: usize = 16 * 1024;

/// A part of a body that the connection has yet to write.
pub struct Part {
    bytes: Bytes,
    _untaken: Option<Untaken>,
}

/// Kept with parts of a response: when it is dropped they were written, or never will be. h2 itself does not report
/// that.
type Untaken = Rc<dyn Any>;

impl Buf for Part {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl PendingResponse {
    /// Writes the response. What an open event stream keeps of this is small.
    pub fn write(self, shared: &Shared) -> LocalBoxFuture<'_, Result<(), h2::Error>> {
        if is_event_stream(self.response.headers()) {
            // An event stream has no end, so it holds its turn only until its first part is taken. Without turns,
            // streams that are opened at once would all wait in h2's buffer, which never shrinks.
            let mut first: Option<Untaken> = Some(Rc::new(self.held));
            let untaken = move || first.take();
            return write(self.respond, self.response, self.is_head, shared, untaken);
        }
        Box::pin(self.write_until_taken(shared))
    }

    /// Writes the response, and holds its turn and its memory until the client has taken it.
    async fn write_until_taken(self, shared: &Shared) -> Result<(), h2::Error> {
        let (untaken, taken) = oneshot::channel::<Infallible>();
        let every: Untaken = Rc::new(untaken);
        let untaken = move || Some(every.clone());
        let written = async {
            write(self.respond, self.response, self.is_head, shared, untaken).await?;
            // Nothing is ever sent on it: this waits until all parts are dropped.
            let _ = taken.await;
            Ok(())
        };
        let Some(reservation) = self.reservation else {
            return written.await;
        };
        tokio::select! {
            biased;
            written = written => written,
            () = reservation.until_needed() => {
                shared.cut_off.notify_one();
                Ok(())
            }
        }
    }
}

/// Sends the head of a response at once, and its body as it comes. `untaken` is called for each part of it.
fn write<'a>(
    mut respond: h2::server::SendResponse<Part>,
    response: Response<BoxBody>,
    is_head: bool,
    shared: &'a Shared,
    untaken: impl FnMut() -> Option<Untaken> + 'a,
) -> LocalBoxFuture<'a, Result<(), h2::Error>> {
    let (head, body) = response.into_parts();
    let ends = is_head || matches!(body.size(), BodySize::None | BodySize::Sized(0));
    match respond.send_response(head_of(head, body.size()), ends) {
        Ok(stream) if !ends => Box::pin(write_body(stream, body, shared, untaken)),
        sent => Box::pin(ready(sent.map(drop))),
    }
}

/// Sends a body as it comes. An open event stream keeps this future for as long as it is open, so it is small.
#[expect(
    clippy::manual_async_fn,
    reason = "an async fn keeps what it is given twice"
)]
fn write_body(
    mut stream: SendStream<Part>,
    mut body: BoxBody,
    shared: &Shared,
    mut untaken: impl FnMut() -> Option<Untaken>,
) -> impl Future<Output = Result<(), h2::Error>> {
    async move {
        loop {
            let chunk = poll_fn(|cx| match stream.poll_reset(cx) {
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => Pin::new(&mut body).poll_next(cx).map(Some),
            });
            let chunk = match chunk.await {
                Some(Some(Ok(chunk))) => chunk,
                Some(None) => return stream.send_data(Part::end(), true),
                Some(Some(Err(error))) => {
                    debug!(%error, "a body broke off");
                    stream.send_reset(Reason::INTERNAL_ERROR);
                    return Ok(());
                }
                // The client has cancelled it.
                None => return Ok(()),
            };
            if !send(&mut stream, chunk, shared, &mut untaken).await? {
                stream.send_reset(Reason::CANCEL);
                return Ok(());
            }
        }
    }
}

impl Part {
    /// The empty part that ends a body.
    fn end() -> Self {
        Self {
            bytes: Bytes::new(),
            _untaken: None,
        }
    }
}

/// Gives a chunk to the connection as fast as the client takes it; `false` when the client has closed the
/// stream, or has taken nothing of it for too long.
#[expect(
    clippy::manual_async_fn,
    reason = "an async fn keeps what it is given twice"
)]
fn send(
    stream: &mut SendStream<Part>,
    mut chunk: Bytes,
    shared: &Shared,
    untaken: &mut impl FnMut() -> Option<Untaken>,
) -> impl Future<Output = Result<bool, h2::Error>> {
    async move {
        while !chunk.is_empty() {
            stream.reserve_capacity(chunk.len().min(PART_BYTES));
            let mut capacity = poll_fn(|cx| stream.poll_capacity(cx));
            // Mostly there is room at once, and no timer is needed.
            let capacity = match (&mut capacity).now_or_never() {
                Some(capacity) => Ok(capacity),
                None => Box::pin(timeout(shared.context.stalled, capacity)).await,
            };
            match capacity {
                Ok(Some(capacity)) => {
                    let part = Part {
                        bytes: chunk.split_to(capacity?.min(chunk.len())),
                        _untaken: untaken(),
                    };
                    stream.send_data(part, false)?;
                    shared.last_taken.set(Instant::now());
                }
                Ok(None) => return Ok(false),
                Err(_) => {
                    if shared.last_taken.get().elapsed() >= shared.context.stalled {
                        // It took nothing of the other streams either.
                        shared.cut_off.notify_one();
                    }
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
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
