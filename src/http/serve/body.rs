//! Reads the body of a request before the request takes memory for its response, or a turn: a client that is slow to
//! send holds nothing that others wait for.

use std::{io, time::Duration};

use actix_http::{Payload, error::PayloadError};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use crate::http::body::BODY_BYTES_MAX;

/// A body, as far as it was read, and why it was not read to its end.
#[derive(Default)]
pub struct Body {
    bytes: BytesMut,
    fault: Option<PayloadError>,
}

/// The most bytes that are read of a body, by the request's method and its `Content-Length`; `None` if it is left
/// unread, because nobody reads the body of a GET or because it is too long.
pub fn length_max(method: &str, announced: Option<&[u8]>) -> Option<usize> {
    let announced = announced.and_then(|length| str::from_utf8(length).ok()?.parse().ok());
    let length_max = announced.unwrap_or(BODY_BYTES_MAX);
    let is_read = length_max <= BODY_BYTES_MAX && !matches!(method, "GET" | "HEAD");
    is_read.then_some(length_max)
}

/// Reads the parts of a body, within the limits on its length and time. They are joined at once: a part costs more
/// than its bytes, and a client may send one byte in each.
pub async fn collect(
    mut next: impl AsyncFnMut() -> Option<Result<Bytes, PayloadError>>,
    deadline: Duration,
) -> Body {
    let mut body = Body::default();
    let arrived = timeout(deadline, async {
        while let Some(part) = next().await {
            body.bytes.extend_from_slice(&part?);
            if body.bytes.len() > BODY_BYTES_MAX {
                return Err(PayloadError::Overflow);
            }
        }
        Ok(())
    });
    let late = || PayloadError::Io(io::ErrorKind::TimedOut.into());
    let arrived = arrived.await.unwrap_or_else(|_| Err(late()));
    body.fault = arrived.err();
    body
}

impl Body {
    /// One that is left unread.
    pub fn unread() -> Self {
        Self {
            bytes: BytesMut::new(),
            fault: Some(PayloadError::Overflow),
        }
    }

    /// The payload that handlers read.
    pub fn into_payload(self) -> Payload {
        let Self { bytes, fault } = self;
        if bytes.is_empty() && fault.is_none() {
            return Payload::None;
        }
        let parts = [Ok(bytes.freeze())].into_iter().chain(fault.map(Err));
        Payload::Stream {
            payload: stream::iter(parts).boxed_local(),
        }
    }
}
