//! Streams over HTTP/2 without TLS, many on one connection, as a proxy in front of a server opens them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use h2::{
    RecvStream,
    client::{self, SendRequest},
};
use http::{Request, Response};
use tokio::{net::TcpStream, sync::Mutex};

use super::{body::Framing, connection, connection::WireError, head::Head, target::Target};

/// What one stream may be sent before it has taken the last of it: as nginx and HAProxy allow.
const STREAM_WINDOW_LEN: u32 = 64 << 10;
const CONNECTION_WINDOW_LEN: u32 = 16 << 20;

/// The HTTP/2 connections to one address.
#[derive(Debug)]
pub(crate) struct Connections {
    streams_max: usize,
    /// The newest is the one with room.
    newest: Mutex<Option<Lane>>,
}

#[derive(Clone, Debug)]
struct Lane {
    requests: SendRequest<Bytes>,
    open: Arc<AtomicUsize>,
}

/// The body of one stream.
#[derive(Debug)]
pub(crate) struct Body {
    frames: RecvStream,
    _open: Counted,
}

/// Counts one stream for as long as it is held.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Connections {
    pub(crate) fn new(streams_max: usize) -> Self {
        Self {
            streams_max,
            newest: Mutex::default(),
        }
    }

    /// Sends a request without a body, and gives the head of the answer with its body still to be read.
    pub(crate) async fn ask(
        &self,
        target: &Target,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(Head, Body), WireError> {
        let (lane, open) = self.lane(target).await?;
        let uri = format!("http://{}{}{path}", target.authority(), target.prefix());
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(())
            .map_err(|error| WireError::Malformed(error.to_string()))?;
        let mut requests = lane.requests.ready().await.map_err(lost)?;
        let (answer, _) = requests.send_request(request, true).map_err(lost)?;
        let answer = answer.await.map_err(lost)?;
        let head = head(&answer);
        Ok((
            head,
            Body {
                frames: answer.into_body(),
                _open: open,
            },
        ))
    }

    /// A connection with room for one more stream, which is counted on it.
    async fn lane(&self, target: &Target) -> Result<(Lane, Counted), WireError> {
        let mut newest = self.newest.lock().await;
        if let Some(lane) = &*newest
            && lane.open.load(Relaxed) < self.streams_max
            // A connection that is lost says so here.
            && lane.requests.clone().ready().await.is_ok()
        {
            return Ok(lane.taken());
        }
        let lane = Lane::open(target).await?;
        let taken = lane.taken();
        *newest = Some(lane);
        Ok(taken)
    }
}

impl Lane {
    async fn open(target: &Target) -> Result<Self, WireError> {
        let socket: TcpStream = connection::dial(target).await?;
        let (requests, driver) = client::Builder::new()
            .initial_window_size(STREAM_WINDOW_LEN)
            .initial_connection_window_size(CONNECTION_WINDOW_LEN)
            .enable_push(false)
            .handshake(socket)
            .await
            .map_err(lost)?;
        // Its end is seen by everybody who waits on it, and there is nobody else to tell.
        tokio::spawn(async move { driver.await.unwrap_or_default() });
        Ok(Self {
            requests,
            open: Arc::default(),
        })
    }

    fn taken(&self) -> (Self, Counted) {
        self.open.fetch_add(1, Relaxed);
        (self.clone(), Counted(Arc::clone(&self.open)))
    }
}

impl Body {
    /// Waits for bytes and hands them to `take`; `None` when the server has ended the stream.
    pub(crate) async fn next_bytes<T>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> T,
    ) -> Result<Option<T>, WireError> {
        let Some(frame) = self.frames.data().await else {
            return Ok(None);
        };
        let frame = frame.map_err(lost)?;
        self.frames
            .flow_control()
            .release_capacity(frame.len())
            .map_err(lost)?;
        Ok(Some(take(&frame)))
    }
}

fn head(answer: &Response<RecvStream>) -> Head {
    let retry_after = answer.headers().get("retry-after");
    Head {
        status: answer.status().as_u16(),
        framing: Framing::UntilClose,
        keep_alive: true,
        retry_after: retry_after
            .and_then(|value| value.to_str().ok())
            .and_then(super::head::retry_after),
    }
}

fn lost(error: h2::Error) -> WireError {
    if error.is_io() {
        WireError::Io(
            error
                .into_io()
                .unwrap_or_else(|| io::ErrorKind::Other.into()),
        )
    } else {
        WireError::Http2(error.to_string())
    }
}
