//! Reads the body of an HTTP/2 request before the request takes its turn, within the connection's memory for
//! bodies and the time a request may take to arrive.

use std::{io, sync::Arc, time::Duration};

use actix_http::{Payload, error::PayloadError};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use h2::RecvStream;
use http::{
    HeaderValue, Method,
    header::{CONTENT_LENGTH, EXPECT},
    request::Parts,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::http::body::BODY_BYTES_MAX;

/// A body, as far as it was read.
#[derive(Default)]
pub struct Body {
    chunks: Vec<Result<Bytes, PayloadError>>,
    /// Left unread because it is too long, or because nobody reads the body of a GET.
    rest: Option<RecvStream>,
    /// The permits for its memory.
    held: Option<OwnedSemaphorePermit>,
}

/// Whether the client waits for a 100 before it sends the body (RFC 9110, 10.1.1).
pub fn is_kept_back(head: &Parts) -> bool {
    let expected = head.headers.get(EXPECT).map(HeaderValue::as_bytes);
    let waits = expected.is_some_and(|text| text.eq_ignore_ascii_case(b"100-continue"));
    waits && length_max(head).is_some()
}

/// The most bytes that are read of a body; `None` if it is left unread.
fn length_max(head: &Parts) -> Option<usize> {
    let announced = head.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let length_max = announced.unwrap_or(BODY_BYTES_MAX);
    let is_read =
        length_max <= BODY_BYTES_MAX && !matches!(head.method, Method::GET | Method::HEAD);
    is_read.then_some(length_max)
}

/// Reads a body, unless it is too long or its method takes none.
pub async fn collect(
    head: &Parts,
    mut stream: RecvStream,
    free_kib: &Arc<Semaphore>,
    deadline: Duration,
) -> Body {
    let mut body = Body::default();
    let Some(length_max) = length_max(head) else {
        body.rest = Some(stream);
        return body;
    };
    let arrived = timeout(deadline, async {
        let kib = length_max.div_ceil(1_024) as u32;
        body.held = free_kib.clone().acquire_many_owned(kib).await.ok();
        let mut length = 0;
        while let Some(chunk) = next(&mut stream).await {
            length += chunk.as_ref().map_or(0, Bytes::len);
            let is_last = chunk.is_err() || length > BODY_BYTES_MAX;
            body.chunks.push(chunk);
            if is_last {
                return;
            }
        }
    });
    if arrived.await.is_err() {
        let late = io::Error::from(io::ErrorKind::TimedOut);
        body.chunks.push(Err(PayloadError::Io(late)));
    }
    body
}

impl Body {
    /// The payload that handlers read.
    pub fn into_payload(self) -> Payload {
        if self.chunks.is_empty() && self.rest.is_none() {
            return Payload::None;
        }
        let Self { chunks, rest, held } = self;
        let parts = async |mut stream| Some((next(&mut stream).await?, stream));
        let unread =
            stream::iter(rest).flat_map(move |stream| stream::unfold(stream, parts).boxed_local());
        let payload = stream::iter(chunks).chain(unread).map(move |chunk| {
            let _held = &held;
            chunk
        });
        Payload::Stream {
            payload: payload.boxed_local(),
        }
    }
}

/// The next part, after which the client may send as much again.
async fn next(stream: &mut RecvStream) -> Option<Result<Bytes, PayloadError>> {
    let chunk = stream.data().await?.and_then(|chunk| {
        stream.flow_control().release_capacity(chunk.len())?;
        Ok(chunk)
    });
    Some(chunk.map_err(|error| PayloadError::Io(io::Error::other(error))))
}
