//! The health of a shard, judged by beats: each is written, published and heard again. When one is refused, unanswered
//! or not heard, the shard counts as away, whatever the state of its sockets.

use std::time::{Duration, Instant};

use actors::ports::BusState;
use tokio::sync::watch;
use tracing::{info, warn};

/// Without a beat for this long the store is polled as well. That is cheap, and a beat that Redis does not answer fails
/// only after its whole deadline.
const DOUBTFUL_AFTER: Duration = Duration::from_millis(500);
/// After a peer has fallen silent the store is polled for this long: the peer may be alive and cut off.
const DOUBTFUL_FOR: Duration = Duration::from_secs(10);

/// The health of a shard.
pub(super) struct Health {
    state: watch::Sender<Status>,
}

#[derive(Debug, Clone, Copy)]
struct Status {
    state: State,
    /// When the last good beat came back.
    beat_at: Instant,
    doubtful_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No beat has come back or failed yet.
    Starting,
    Up,
    Away {
        since: Instant,
    },
}

impl Health {
    pub(super) fn new() -> Self {
        let status = Status {
            state: State::Starting,
            beat_at: Instant::now(),
            doubtful_until: None,
        };
        Self {
            state: watch::Sender::new(status),
        }
    }

    /// A beat that Redis took after the last failure came back. Returns whether the shard was away.
    pub(super) fn set_up(&self, server: &impl std::fmt::Display) -> bool {
        let mut returned = None;
        self.state.send_modify(|status| {
            status.beat_at = Instant::now();
            if let State::Away { since } = status.state {
                returned = Some(since);
            }
            status.state = State::Up;
        });
        if let Some(since) = returned {
            let seconds = since.elapsed().as_secs_f64();
            info!(%server, seconds, "Redis carries notices again");
        }
        returned.is_some()
    }

    /// Something failed that a healthy shard would do.
    pub(super) fn set_away(&self, server: &impl std::fmt::Display, why: &impl std::fmt::Display) {
        let mut new = false;
        self.state.send_if_modified(|status| {
            new = !matches!(status.state, State::Away { .. });
            if new {
                let since = Instant::now();
                status.state = State::Away { since };
            }
            new
        });
        if new {
            warn!(%server, error = %why, "Redis is away; the store is asked for news meanwhile");
        }
    }

    /// Notices of a peer may be missing.
    pub(super) fn set_doubtful(&self) {
        let until = Instant::now() + DOUBTFUL_FOR;
        self.state
            .send_modify(|status| status.doubtful_until = Some(until));
    }

    pub(super) fn state(&self) -> BusState {
        let status = *self.state.borrow();
        let doubted = status
            .doubtful_until
            .is_some_and(|until| Instant::now() < until);
        match status.state {
            State::Away { .. } => BusState::Away,
            State::Up if !doubted && status.beat_at.elapsed() < DOUBTFUL_AFTER => BusState::Up,
            State::Up | State::Starting => BusState::Doubtful,
        }
    }

    /// How long the shard has been away; `None` while it is not.
    pub(super) fn away_for(&self) -> Option<Duration> {
        match self.state.borrow().state {
            State::Away { since } => Some(since.elapsed()),
            State::Starting | State::Up => None,
        }
    }

    /// Waits until the shard is away.
    pub(super) async fn until_away(&self) {
        self.until(|state| matches!(state, State::Away { .. }))
            .await;
    }

    /// Waits until the shard is known to be up or away.
    pub(super) async fn until_known(&self) {
        self.until(|state| *state != State::Starting).await;
    }

    async fn until(&self, is_reached: impl Fn(&State) -> bool) {
        let mut status = self.state.subscribe();
        let reached = status.wait_for(|status| is_reached(&status.state)).await;
        drop(reached.expect("the health, which sends, is borrowed here"));
    }
}
