//! Whether a shard can be relied on, as its beats show: each is written, published, and heard again. One
//! that is refused, unanswered or not heard shows that the shard is away, whatever its sockets say.

use std::time::{Duration, Instant};

use actors::ports::BusState;
use tokio::sync::watch;
use tracing::{info, warn};

/// Without a beat for so long notices may be late: the store is asked for news meanwhile. That costs
/// little, and a beat that Redis does not answer takes its whole deadline to fail.
const DOUBTFUL_AFTER: Duration = Duration::from_millis(500);
/// For so long the store is asked for news after a peer has fallen silent: it may be cut off and live.
const DOUBTFUL_FOR: Duration = Duration::from_secs(10);

/// The health of a shard.
pub(super) struct Health {
    state: watch::Sender<Shown>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    state: State,
    /// When a beat was last heard that Redis had taken.
    sound_at: Instant,
    doubtful_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No beat has been heard yet, nor has one failed.
    Starting,
    Up,
    Away {
        since: Instant,
    },
}

impl Health {
    pub(super) fn new() -> Self {
        let shown = Shown {
            state: State::Starting,
            sound_at: Instant::now(),
            doubtful_until: None,
        };
        Self {
            state: watch::Sender::new(shown),
        }
    }

    /// A beat came back that was taken after the last failure. Answers whether the shard was away.
    pub(super) fn sound(&self, server: &impl std::fmt::Display) -> bool {
        let mut returned = None;
        self.state.send_modify(|shown| {
            shown.sound_at = Instant::now();
            if let State::Away { since } = shown.state {
                returned = Some(since);
            }
            shown.state = State::Up;
        });
        if let Some(since) = returned {
            let seconds = since.elapsed().as_secs_f64();
            info!(%server, seconds, "Redis carries notices again");
        }
        returned.is_some()
    }

    /// Something failed that would not if the shard could be relied on.
    pub(super) fn fail(&self, server: &impl std::fmt::Display, why: &impl std::fmt::Display) {
        let mut new = false;
        self.state.send_if_modified(|shown| {
            new = !matches!(shown.state, State::Away { .. });
            if new {
                let since = Instant::now();
                shown.state = State::Away { since };
            }
            new
        });
        if new {
            warn!(%server, error = %why, "Redis is away; the store is asked for news meanwhile");
        }
    }

    /// Notices of a peer may be missing.
    pub(super) fn doubt(&self) {
        let until = Instant::now() + DOUBTFUL_FOR;
        self.state
            .send_modify(|shown| shown.doubtful_until = Some(until));
    }

    pub(super) fn state(&self) -> BusState {
        let shown = *self.state.borrow();
        let doubted = shown
            .doubtful_until
            .is_some_and(|until| Instant::now() < until);
        match shown.state {
            State::Away { .. } => BusState::Away,
            State::Up if !doubted && shown.sound_at.elapsed() < DOUBTFUL_AFTER => BusState::Up,
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

    /// Ready when the shard is away.
    pub(super) async fn away(&self) {
        let mut state = self.state.subscribe();
        let away = state.wait_for(|shown| matches!(shown.state, State::Away { .. }));
        drop(
            away.await
                .expect("the health, which sends, is borrowed here"),
        );
    }

    /// Ready when it is known whether the shard is up or away.
    pub(super) async fn known(&self) {
        let mut state = self.state.subscribe();
        let known = state.wait_for(|shown| shown.state != State::Starting);
        drop(
            known
                .await
                .expect("the health, which sends, is borrowed here"),
        );
    }
}
