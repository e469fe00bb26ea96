//! Reads, writes and closes a connection.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};

use super::{Connection, UNPARSED_BYTES_MAX};

/// How much is read at once.
const READ_BYTES: usize = 8 * 1024;
/// After the last response: how long a client may be silent before the connection is closed, and how much it
/// may still send.
pub(super) const CLOSE_PAUSE_MAX: Duration = Duration::from_secs(1);
const CLOSE_BYTES_MAX: usize = 16 * 1024 * 1024;

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    /// Returns when the client is gone.
    pub(super) async fn gone(&mut self) {
        poll_fn(|cx| self.poll_gone(cx)).await;
    }

    /// Ready when the client is gone. Past the buffer for pipelined requests nothing more is read, so a client that
    /// leaves then is noticed by the next write.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.unparsed.len() < UNPARSED_BYTES_MAX {
            if !matches!(ready!(self.poll_read(cx)), Ok(true)) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Writes everything that is encoded.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unwritten.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.unwritten))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unwritten.advance(written);
        }
        self.unwritten = BytesMut::new();
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Reads some bytes; `false` when the client has closed its end.
    pub(super) async fn read(&mut self) -> io::Result<bool> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    /// Reads into a buffer on the stack, so that an idle connection holds none on the heap.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
        self.unparsed.extend_from_slice(read.filled());
        Poll::Ready(Ok(!read.filled().is_empty()))
    }

    /// Closes this end and reads on for a while. If the client still sent something the kernel would reset
    /// the connection, and the client would lose a response that it has not read (RFC 9112, 9.6).
    pub(super) async fn close(&mut self) -> io::Result<()> {
        let deadline = self.context.deadline;
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
                left = left.saturating_sub(self.unparsed.len());
                self.unparsed.clear();
            }
            Ok(())
        };
        timeout(deadline, closed).await.unwrap_or(Ok(()))
    }
}
