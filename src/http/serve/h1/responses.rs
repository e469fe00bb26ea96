//! Writes responses over HTTP/1.1.

use std::{future::poll_fn, io, pin::pin};

use actix_http::{
    ConnectionType, Response,
    body::{BodySize, MessageBody},
    h1::Message,
};
use actix_web::http::Version;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Encoder;

use super::Connection;
use crate::http::serve::response_memory::Reservation;

/// How much of a response is written at once.
const WRITE_BYTES: usize = 16 * 1024;

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    /// Writes a response as fast as the client takes it. The future is small: an event stream keeps it for as long
    /// as it is open.
    pub(super) fn write<B: MessageBody>(
        &mut self,
        response: Response<B>,
        reservation: Option<Reservation>,
        is_head: bool,
        last: bool,
    ) -> impl Future<Output = io::Result<()>> {
        let reservation = reservation.and_then(|reservation| reservation.shrink_to(&response));
        let body = self.begin(response, is_head, last);
        async move {
            let mut written = pin!(self.finish(body?));
            let Some(reservation) = reservation else {
                return written.await;
            };
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
    }

    /// Encodes the head of a response and returns the body that follows it.
    fn begin<B: MessageBody>(
        &mut self,
        response: Response<B>,
        is_head: bool,
        last: bool,
    ) -> io::Result<Option<B>> {
        self.skip_body();
        let (mut head, body) = response.into_parts();
        if last || self.body_unread || self.is_faulty {
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

    /// Writes what is encoded, then a body as it comes.
    async fn finish<B: MessageBody>(&mut self, body: Option<B>) -> io::Result<()> {
        let mut body = pin!(body);
        while let Some(mut body) = body.as_mut().as_pin_mut() {
            let mut next = poll_fn(|cx| body.as_mut().poll_next(cx));
            let chunk = match (&mut next).now_or_never() {
                Some(chunk) => chunk,
                None => {
                    self.flush().await?;
                    if self.unparsed.is_empty() {
                        self.unparsed = BytesMut::new();
                    }
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
                    break;
                }
            }
        }
        self.flush().await
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
}
