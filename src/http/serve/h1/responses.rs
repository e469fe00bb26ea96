//! Writes responses over HTTP/1.1.

use std::{
    future::{poll_fn, ready},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use actix_http::{
    ConnectionType, Response,
    body::{BodySize, BoxBody, MessageBody},
    h1::Message,
};
use actix_web::http::Version;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, future::LocalBoxFuture};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Encoder;

use super::{Answer, Connection};
use crate::http::serve::response_memory::Reservation;

/// How much of a response is written at once.
const WRITE_BYTES: usize = 16 * 1024;

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    /// Writes a response as fast as the client takes it.
    pub(super) fn write(&mut self, answer: Answer) -> LocalBoxFuture<'_, io::Result<()>> {
        let Answer {
            response,
            reservation,
            is_head,
            is_last,
        } = answer;
        match (self.begin(response, is_head, is_last), reservation) {
            (Ok(body), None) => Box::pin(self.finish(body)),
            (Ok(body), Some(reservation)) => Box::pin(self.finish_unless_needed(body, reservation)),
            (Err(error), _) => Box::pin(ready(Err(error))),
        }
    }

    /// Encodes the head of a response and returns the body that follows it.
    fn begin(
        &mut self,
        response: Response<BoxBody>,
        is_head: bool,
        is_last: bool,
    ) -> io::Result<Option<BoxBody>> {
        self.skip_body();
        let (mut head, body) = response.into_parts();
        if is_last || self.body_unread || self.is_faulty {
            head.head_mut().set_connection_type(ConnectionType::Close);
        }
        // HTTP/1.0 has no chunked encoding: a body ends with the connection.
        let is_old = self.version < Version::HTTP_11;
        head.head_mut().no_chunking(is_old);
        let size = body.size();
        let begin = self.unwritten.len();
        let head = Message::Item((head, size));
        self.codec.encode(head, &mut self.unwritten)?;
        if is_old {
            self.add_close(begin);
        }
        let is_empty = is_head || matches!(size, BodySize::None | BodySize::Sized(0));
        Ok((!is_empty).then_some(body))
    }

    /// Writes what is encoded, then a body as it comes, unless it stays untaken while others need its memory.
    async fn finish_unless_needed(
        &mut self,
        body: Option<BoxBody>,
        reservation: Reservation,
    ) -> io::Result<()> {
        let mut written = pin!(self.finish(body));
        if let Some(written) = written.as_mut().now_or_never() {
            return written;
        }
        let needed = Box::pin(reservation.until_needed());
        tokio::select! {
            biased;
            written = written => written,
            () = needed => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Writes what is encoded, then a body as it comes. An open event stream keeps this future for as long as it is
    /// open, so it is small, and waits for functions that keep nothing.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps what it is given twice"
    )]
    fn finish(&mut self, mut body: Option<BoxBody>) -> impl Future<Output = io::Result<()>> {
        async move {
            if let Some(body) = &mut body {
                let mut flushing = false;
                while let Some(mut chunk) =
                    poll_fn(|cx| self.poll_chunk(body, &mut flushing, cx)).await?
                {
                    while !chunk.is_empty() {
                        let part = chunk.split_to(chunk.len().min(WRITE_BYTES));
                        let part = Message::Chunk(Some(part));
                        self.codec.encode(part, &mut self.unwritten)?;
                        if self.unwritten.len() >= WRITE_BYTES {
                            self.flush().await?;
                        }
                    }
                }
            }
            self.flush().await
        }
    }

    /// The next part of a body; `None` when there are no more. When it has to be waited for, what is encoded is written
    /// first: `flushing` says that the client has not taken that yet, so that nothing more is asked of the body.
    ///
    /// An error when the client is gone: the body breaks off, and the response to a request that was sent behind it
    /// would be read as a part of it.
    fn poll_chunk(
        &mut self,
        body: &mut BoxBody,
        flushing: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Bytes>>> {
        if *flushing {
            ready!(self.poll_flush(cx))?;
            *flushing = false;
        }
        match Pin::new(body).poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => Poll::Ready(Ok(Some(chunk))),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(io::Error::other(error.to_string()))),
            Poll::Ready(None) => {
                let end = Message::Chunk(None);
                Poll::Ready(self.codec.encode(end, &mut self.unwritten).map(|()| None))
            }
            Poll::Pending => {
                *flushing = true;
                ready!(self.poll_flush(cx))?;
                *flushing = false;
                if self.unparsed.is_empty() {
                    self.unparsed = BytesMut::new();
                }
                let gone = || io::ErrorKind::UnexpectedEof.into();
                self.poll_gone(cx).map(|()| Err(gone()))
            }
        }
    }

    /// Adds `Connection: close` to a response to HTTP/1.0. The codec leaves it out because it is the default
    /// there, but some clients wait for it.
    fn add_close(&mut self, begin: usize) {
        let head = self.unwritten.split_off(begin);
        let status = head.windows(2).position(|two| two == b"\r\n");
        let (status, fields) = head.split_at(status.map_or(0, |end| end + 2));
        for part in [status, b"connection: close\r\n", fields] {
            self.unwritten.extend_from_slice(part);
        }
    }

    /// Discards what has arrived of a body that no handler read, so that the connection can be kept.
    fn skip_body(&mut self) {
        while let Some(Ok(_)) = self.part() {}
    }
}
