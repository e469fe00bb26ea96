//! One person's stream, followed through every loss of its connection.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    client::{ApiError, Client, OpenStream, Session},
    http::{Decoder, WireError},
    sse::{Event, Parser},
};

/// A `ping` comes after 15 s of silence, so after three times that the connection is dead and only looks open.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The wait before coming back, where no `retry:` was ever sent.
const RETRY: Duration = Duration::from_secs(1);

/// A stream to be followed.
#[derive(Debug)]
pub struct Subscription {
    clients: Arc<[Client]>,
    next: usize,
    session: Arc<Session>,
    after: Option<u64>,
    parser: Parser,
}

/// What the one who follows a stream is told.
#[derive(Debug)]
pub enum Signal<'a> {
    /// The server accepted the stream; its first event comes next.
    Opened,
    /// An event.
    Event(Event<'a>),
    /// The connection was lost or could not be made.
    Lost {
        /// Why.
        error: &'a ApiError,
        /// When it will be tried again.
        back_in: Duration,
    },
    /// The server forbade to try again; nothing follows.
    Refused {
        /// How.
        error: &'a ApiError,
    },
}

/// How a stream came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The one who follows it had enough.
    ByFollower,
    /// The chat is over: 204.
    ByServer,
}

impl Subscription {
    /// A stream at the instance of this number; each time it is lost it comes back at the next one, as behind a balancer.
    pub fn new(clients: Arc<[Client]>, first: usize, session: Arc<Session>) -> Self {
        Self {
            clients,
            next: first,
            session,
            after: None,
            parser: Parser::default(),
        }
    }

    /// Whether the first event of a stream is a greeting, as on every server that speaks duet's API.
    pub fn is_greeted(&self) -> bool {
        self.clients.iter().all(Client::speaks_duet)
    }

    /// Begins behind this `seq` rather than at the present.
    pub fn after(mut self, seq: u64) -> Self {
        self.after = Some(seq);
        self
    }

    /// Comes back behind this `seq`, with `Last-Event-ID`, as if its connection had just been lost.
    pub fn resumed_after(mut self, seq: u64) -> Self {
        self.parser = Parser::resumed(seq.to_string());
        self
    }

    /// Follows the stream until `on_signal` breaks, the chat ends, or an answer forbids to try again.
    pub async fn follow(
        mut self,
        mut on_signal: impl FnMut(Signal<'_>) -> ControlFlow<()>,
    ) -> Result<Ended, ApiError> {
        loop {
            let client = self.clients[self.next % self.clients.len()].clone();
            // Boxed, so that what opening needs is not part of every idle stream.
            let opening = Box::pin(client.open_stream(
                &self.session,
                self.after,
                self.parser.last_event_id(),
            ));
            let error = match opening.await {
                Ok(None) => return Ok(Ended::ByServer),
                Err(error) if !error.is_transient() => {
                    // Whether the follower goes on makes no difference any more.
                    let _ = on_signal(Signal::Refused { error: &error });
                    return Err(error);
                }
                Err(error) => error,
                Ok(Some(stream)) => {
                    if on_signal(Signal::Opened).is_break() {
                        return Ok(Ended::ByFollower);
                    }
                    match read(&client, stream, &mut self.parser, &mut on_signal).await {
                        Some(error) => error,
                        None => return Ok(Ended::ByFollower),
                    }
                }
            };
            self.parser.reconnected();
            self.next += 1;
            let back_in = error.retry_after().or(self.parser.retry()).unwrap_or(RETRY);
            let lost = Signal::Lost {
                error: &error,
                back_in,
            };
            if on_signal(lost).is_break() {
                return Ok(Ended::ByFollower);
            }
            sleep(back_in).await;
        }
    }
}

/// Reads one connection until it is lost, and says why; `None` when the follower had enough.
async fn read(
    client: &Client,
    stream: OpenStream,
    parser: &mut Parser,
    on_signal: &mut impl FnMut(Signal<'_>) -> ControlFlow<()>,
) -> Option<ApiError> {
    let OpenStream {
        mut carrier,
        framing,
        first,
    } = stream;
    let mut decoder = Decoder::new(framing);
    let mut take = |mut bytes: &[u8]| -> Result<ControlFlow<()>, WireError> {
        let mut flow = ControlFlow::Continue(());
        while let Some(content) = decoder.content(&mut bytes)? {
            parser.feed(content, |event| {
                if flow.is_continue() {
                    flow = on_signal(Signal::Event(event));
                }
            });
        }
        // The body's proper end is as good a loss as any: the stream is asked for again.
        if decoder.is_finished() && flow.is_continue() {
            Err(WireError::Closed)
        } else {
            Ok(flow)
        }
    };
    let mut taken = take(&first);
    drop(first);
    loop {
        match taken {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return None,
            Err(error) => return Some(client.failed(error)),
        }
        taken = match timeout(SILENCE_MAX, carrier.next_bytes(&mut take)).await {
            Ok(Ok(Some(taken))) => taken,
            Ok(Ok(None)) => Err(WireError::Closed),
            Ok(Err(error)) => Err(error),
            Err(_) => return Some(client.timed_out()),
        };
    }
}

#[cfg(test)]
mod tests;
