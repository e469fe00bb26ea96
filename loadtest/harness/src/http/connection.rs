//! One socket: a request and its answer, or a request and a body without end.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    task::{Poll, ready},
};

use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::{TcpSocket, TcpStream},
};

use super::{
    body::{Decoder, Framing},
    head::Head,
    target::Target,
};

/// A history page of 200 texts of 16 KiB, each character escaped, stays below this.
const BODY_LEN_MAX: usize = 32 << 20;
/// A head longer than this is not one of this API.
const HEAD_LEN_MAX: usize = 64 << 10;
const READ_LEN: usize = 8 << 10;
/// One scratch buffer per thread serves every stream on it.
const SCRATCH_LEN: usize = 64 << 10;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_LEN]);
}

/// What can go wrong between the socket and the answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server closed before a single byte of the answer: on a kept connection it may just have been idle too long.
    #[error("the server closed the connection")]
    Closed,
    /// The server closed in the middle of its answer.
    #[error("the server closed the connection in the middle of an answer")]
    Cut,
    /// The HTTP/2 connection or stream failed.
    #[error("{0}")]
    Http2(String),
    /// The answer is not HTTP as this tool knows it.
    #[error("the answer is not valid HTTP ({0})")]
    Malformed(String),
}

/// Connects to the first of a target's addresses that accepts.
pub(super) async fn dial(target: &Target) -> io::Result<TcpStream> {
    let mut refused = io::ErrorKind::AddrNotAvailable.into();
    for &address in target.addresses() {
        match dial_address(address).await {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A client address has some 28,000 ports for one server address, and many of them wait for a minute after a close. On the
/// loopback network there are addresses enough to take them in turn.
async fn dial_address(address: SocketAddr) -> io::Result<TcpStream> {
    const SOURCES: u32 = 250;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let SocketAddr::V4(loopback) = address else {
        return TcpStream::connect(address).await;
    };
    if !loopback.ip().is_loopback() {
        return TcpStream::connect(address).await;
    }
    let number = NEXT.fetch_add(1, Relaxed) % SOURCES + 1;
    let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 88, 0, 0)) + number);
    let socket = TcpSocket::new_v4()?;
    // The port is chosen when connecting, when the kernel knows all four numbers that must differ; chosen at the bind, it
    // would have to differ from every other port of this source, and the search costs seconds per ten thousand.
    setsockopt(&socket, IpBindAddressNoPort, &true)?;
    socket.bind(SocketAddr::from((source, 0)))?;
    socket.connect(address).await
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> io::Result<Self> {
        dial(target).await.map(|socket| Self { socket })
    }

    /// Whether the server has closed this connection while it lay idle (or sent what nobody asked for). Costs no
    /// system call unless the socket has news.
    pub(crate) fn is_stale(&self) -> bool {
        !matches!(self.socket.try_read(&mut [0]), Err(e) if e.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and reads its whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer, WireError> {
        let (head, rest) = self.ask(request).await?;
        self.finish(head, rest).await
    }

    /// Sends a request and reads the head of its answer; what was read beyond the head comes with it.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<(Head, Vec<u8>), WireError> {
        // A server that closes an idle connection may reset it under our write: that too is a close before any answer.
        self.socket
            .write_all(request)
            .await
            .map_err(|_| WireError::Closed)?;
        let mut bytes = Vec::with_capacity(READ_LEN);
        loop {
            match self.read_more(&mut bytes).await {
                Err(_) | Ok(0) if bytes.is_empty() => return Err(WireError::Closed),
                Err(error) => return Err(error.into()),
                Ok(0) => return Err(WireError::Cut),
                Ok(_) => {}
            }
            if let Some((head, length)) = Head::parse(&bytes)? {
                bytes.drain(..length);
                return Ok((head, bytes));
            }
            if bytes.len() > HEAD_LEN_MAX {
                return Err(WireError::Malformed("a head without end".to_owned()));
            }
        }
    }

    /// Reads the rest of an answer whose head has been read.
    pub(crate) async fn finish(
        &mut self,
        head: Head,
        mut bytes: Vec<u8>,
    ) -> Result<Answer, WireError> {
        // The common case: the body came whole, with the head.
        if matches!(head.framing, Framing::Length(length) if length == bytes.len() as u64) {
            return Ok(Answer { head, body: bytes });
        }
        let mut decoder = Decoder::new(head.framing);
        let mut body = Vec::new();
        loop {
            let mut input = bytes.as_slice();
            while let Some(content) = decoder.content(&mut input)? {
                body.extend_from_slice(content);
            }
            if body.len() > BODY_LEN_MAX {
                return Err(WireError::Malformed("a body without end".to_owned()));
            }
            if decoder.is_finished() {
                return Ok(Answer { head, body });
            }
            bytes.clear();
            if self.read_more(&mut bytes).await? == 0 {
                return if decoder.may_close() {
                    Ok(Answer { head, body })
                } else {
                    Err(WireError::Cut)
                };
            }
        }
    }

    /// Waits for bytes and hands them to `take`, in the thread's scratch buffer; `None` when the server has closed.
    /// A connection that waits here holds no buffer of its own.
    pub(crate) async fn next_bytes<T>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> T,
    ) -> io::Result<Option<T>> {
        // `poll_read` rather than `readable` and `try_read`: it knows that a read which did not fill the buffer has
        // emptied the socket, and saves asking the kernel again.
        poll_fn(|context| {
            SCRATCH.with_borrow_mut(|scratch| {
                let mut read = ReadBuf::new(scratch);
                ready!(Pin::new(&mut self.socket).poll_read(context, &mut read))?;
                let bytes = read.filled();
                Poll::Ready(Ok(if bytes.is_empty() {
                    None
                } else {
                    Some(take(bytes))
                }))
            })
        })
        .await
    }

    async fn read_more(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        bytes.reserve(READ_LEN);
        self.socket.read_buf(bytes).await
    }
}
