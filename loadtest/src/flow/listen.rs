//! Listening: both people's streams, from before the first message until the verdict.

use std::sync::Arc;

use harness::{checker::Seat, stream::Subscription};

use super::Run;
use crate::crowd::{Crowd, OPENING_AT_ONCE_MAX};

/// Begins to open every stream.
pub(super) fn open(run: &Arc<Run>) -> Crowd {
    let subscriptions: Vec<_> = (0..run.pairs.len())
        .flat_map(|chat| Seat::BOTH.map(|seat| subscription(run, chat, seat)))
        .collect();
    let run = Arc::clone(run);
    Crowd::opening(subscriptions, OPENING_AT_ONCE_MAX, move |number, signal| {
        let now = run.stamps.elapsed();
        if let Some(message) = run.heard(&signal) {
            run.shown(number / 2, Seat::BOTH[number % 2], &message, now);
        }
    })
}

fn subscription(run: &Run, chat: usize, seat: Seat) -> Subscription {
    let session = Arc::clone(run.pairs[chat].session(seat));
    // From the position at login rather than from the present: a stream that is lost before its first message must not
    // come back behind it, whether or not the server's hello carries an id.
    let (instance, after) = (run.listens_at(chat, seat), session.last_seq);
    Subscription::new(Arc::clone(&run.clients), instance, session).after(after)
}
