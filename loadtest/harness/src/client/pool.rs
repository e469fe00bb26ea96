//! Connections to one address: kept, used again, and no more of them than allowed.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::io::Errno;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    ApiError, Dialect,
    wire::{self, Failure},
};
use crate::http::{Answer, Connection, Framing, Http2Body, Http2Connections, Target, WireError};

/// How long an answer may take before the call counts as failed. Longer than any wait a healthy server asks for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Pool {
    target: Target,
    /// Last in, first out: the connection used a moment ago is the least likely to have been closed.
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    /// What carries the streams, where that is not a connection of HTTP/1.1 for each.
    http2: Option<Http2Connections>,
    /// How the server is spoken to, where it has another API than duet's.
    dialect: Option<Arc<dyn Dialect>>,
}

/// A stream once its head has been read.
#[derive(Debug)]
pub(crate) struct OpenStream {
    pub(crate) carrier: Carrier,
    pub(crate) framing: Framing,
    /// What came with the head.
    pub(crate) first: Vec<u8>,
}

/// What carries a stream.
#[derive(Debug)]
pub(crate) enum Carrier {
    Http1(Connection),
    Http2(Http2Body),
}

impl Carrier {
    /// Waits for bytes and hands them to `take`; `None` when the server has ended the stream.
    pub(crate) async fn next_bytes<T>(
        &mut self,
        take: impl FnMut(&[u8]) -> T,
    ) -> Result<Option<T>, WireError> {
        match self {
            Self::Http1(connection) => Ok(connection.next_bytes(take).await?),
            Self::Http2(body) => body.next_bytes(take).await,
        }
    }
}

/// A request for a stream: its path, and the headers that differ.
#[derive(Debug)]
pub(super) struct StreamRequest<'a> {
    pub(super) path: String,
    pub(super) token: &'a str,
    pub(super) last_event_id: Option<&'a str>,
}

impl<'a> StreamRequest<'a> {
    /// What browsers send as well when they open a stream.
    fn headers(&self) -> Vec<(&'static str, &'a str)> {
        let resuming = self.last_event_id.map(|id| ("last-event-id", id));
        let accepted = ("accept", "text/event-stream");
        [accepted].into_iter().chain(resuming).collect()
    }
}

impl Pool {
    pub(super) fn new(
        target: Target,
        connections_max: usize,
        dialect: Option<Arc<dyn Dialect>>,
    ) -> Self {
        Self {
            target,
            idle: Mutex::default(),
            permits: Semaphore::new(connections_max.max(1)),
            http2: None,
            dialect,
        }
    }

    /// The same address with its streams over HTTP/2, so many on each connection.
    pub(super) fn with_streams_over_h2c(&self, streams_per_connection: usize) -> Self {
        Self {
            http2: Some(Http2Connections::new(streams_per_connection)),
            ..Self::new(
                self.target.clone(),
                self.permits.available_permits(),
                self.dialect.clone(),
            )
        }
    }

    /// Closes the connections that lie idle.
    pub(super) fn close_idle(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn dialect(&self) -> Option<&dyn Dialect> {
        self.dialect.as_deref()
    }

    /// Sends a request and gives the body of its answer, if that is a success.
    pub(super) async fn call(&self, request: &[u8]) -> Result<Vec<u8>, ApiError> {
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let answer = self.in_time(self.exchange(request)).await?;
        if (200..300).contains(&answer.head.status) {
            Ok(answer.body)
        } else {
            Err(self.refused(&answer))
        }
    }

    /// Sends the request for a stream; `None` when the answer is 204.
    pub(super) async fn open_stream(
        &self,
        request: &StreamRequest<'_>,
    ) -> Result<Option<OpenStream>, ApiError> {
        match &self.http2 {
            None => self.in_time(self.open_over_http1(request)).await,
            Some(http2) => self.in_time(self.open_over_http2(http2, request)).await,
        }
    }

    async fn open_over_http1(
        &self,
        request: &StreamRequest<'_>,
    ) -> Result<Option<OpenStream>, ApiError> {
        let StreamRequest { path, token, .. } = request;
        let headers = request.headers();
        let bytes = wire::written("GET", &self.target, path, Some(token), &headers, &[]);
        let mut connection = self.connect().await?;
        let (head, first) = connection.ask(&bytes).await.map_err(|e| self.failed(e))?;
        match head.status {
            200 => Ok(Some(OpenStream {
                carrier: Carrier::Http1(connection),
                framing: head.framing,
                first,
            })),
            204 => Ok(None),
            _ => {
                let answer = connection.finish(head, first).await;
                Err(self.refused(&answer.map_err(|e| self.failed(e))?))
            }
        }
    }

    async fn open_over_http2(
        &self,
        http2: &Http2Connections,
        request: &StreamRequest<'_>,
    ) -> Result<Option<OpenStream>, ApiError> {
        let authorization = format!("Bearer {}", request.token);
        let mut headers = request.headers();
        headers.push(("authorization", &authorization));
        let asked = http2.ask(&self.target, &request.path, &headers).await;
        let (head, mut body) = asked.map_err(|e| self.failed(e))?;
        match head.status {
            200 => Ok(Some(OpenStream {
                carrier: Carrier::Http2(body),
                framing: head.framing,
                first: Vec::new(),
            })),
            204 => Ok(None),
            _ => {
                let mut bytes = Vec::new();
                let mut take = |more: &[u8]| bytes.extend_from_slice(more);
                while let Some(()) = body
                    .next_bytes(&mut take)
                    .await
                    .map_err(|e| self.failed(e))?
                {}
                Err(self.refused(&Answer { head, body: bytes }))
            }
        }
    }

    async fn exchange(&self, request: &[u8]) -> Result<Answer, ApiError> {
        if let Some(mut kept) = self.kept() {
            match kept.exchange(request).await {
                Ok(answer) => return Ok(self.keep(kept, answer)),
                // It was closed under our hands, which says nothing about the server: ask again on a new one.
                Err(WireError::Closed) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        let mut connection = self.connect().await?;
        let answer = connection
            .exchange(request)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(self.keep(connection, answer))
    }

    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let connection = idle.pop()?;
            if !connection.is_stale() {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: Connection, answer: Answer) -> Answer {
        if answer.head.keep_alive {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
        answer
    }

    async fn connect(&self) -> Result<Connection, ApiError> {
        let opened = Connection::open(&self.target).await;
        opened.map_err(|source| match is_out_of_files(&source) {
            true => ApiError::OutOfFiles,
            false => ApiError::Unreachable {
                url: self.url(),
                source,
            },
        })
    }

    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        timeout(ANSWER_WITHIN, call)
            .await
            .unwrap_or_else(|_| Err(self.timed_out()))
    }

    fn refused(&self, answer: &Answer) -> ApiError {
        // A balancer's own page is no envelope; its status still says what to do.
        let Failure { error, message } = wire::decoded(&answer.body).unwrap_or_default();
        let (code, retry_after) = (answer.head.status, answer.head.retry_after);
        ApiError::Refused {
            url: self.url(),
            code,
            error,
            message,
            retry_after,
        }
    }

    pub(super) fn failed(&self, source: WireError) -> ApiError {
        match source {
            WireError::Io(source) if is_out_of_files(&source) => ApiError::OutOfFiles,
            source => ApiError::Wire {
                url: self.url(),
                source,
            },
        }
    }

    pub(super) fn timed_out(&self) -> ApiError {
        ApiError::TimedOut { url: self.url() }
    }

    pub(super) fn url(&self) -> String {
        self.target.url().to_owned()
    }
}

fn is_out_of_files(error: &io::Error) -> bool {
    let limits = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error
        .raw_os_error()
        .is_some_and(|code| limits.contains(&code))
}
