//! A socket whose writes fail when its client takes nothing for too long.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Fails a write that made no progress for `patience`. There is a timer only while a write waits: mostly none does,
/// and a server holds tens of thousands of sockets.
pub struct StallLimit<Io> {
    io: Io,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<Io> StallLimit<Io> {
    pub fn new(io: Io, patience: Duration) -> Self {
        Self {
            io,
            patience,
            waiting: None,
        }
    }

    /// Passes on how a write went, unless it has waited for too long.
    fn limit<T>(&mut self, went: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if went.is_ready() {
            self.waiting = None;
            return went;
        }
        let patience = self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        waiting.as_mut().poll(cx).map(|()| {
            self.waiting = None;
            Err(io::ErrorKind::TimedOut.into())
        })
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for StallLimit<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for StallLimit<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.limit(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.limit(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.limit(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.io).poll_shutdown(cx);
        self.limit(closed, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_write_fails_when_the_client_takes_nothing_for_too_long() {
        let (server, mut client) = duplex(4);
        let mut server = StallLimit::new(server, Duration::from_millis(20));
        let writing = tokio::spawn(async move { server.write_all(&[7; 12]).await });
        client.read_exact(&mut [0; 4]).await.unwrap();
        let failed = writing.await.unwrap().unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_write_that_waited_leaves_no_timer_behind() {
        let (server, mut client) = duplex(4);
        let mut server = StallLimit::new(server, Duration::from_secs(600));
        let (mut first, mut second) = ([0; 4], [0; 4]);
        let taking = async {
            client.read_exact(&mut first).await.unwrap();
            client.read_exact(&mut second).await.unwrap();
        };
        let (written, ()) = tokio::join!(server.write_all(&[7; 8]), taking);
        written.unwrap();
        assert!(server.waiting.is_none());
    }
}
