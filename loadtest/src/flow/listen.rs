//! Listening: both people's streams, from before the first message until the verdict.

use std::sync::Arc;

use super::Run;
use crate::{
    checker::Seat,
    client::Message,
    crowd::{Crowd, OPENING_AT_ONCE_MAX},
    sse::Event,
    stream::{Signal, Subscription},
};

/// Begins to open every stream.
pub(super) fn open(run: &Arc<Run>) -> Crowd {
    let subscriptions: Vec<_> = (0..run.pairs.len())
        .flat_map(|chat| Seat::BOTH.map(|seat| subscription(run, chat, seat)))
        .collect();
    let run = Arc::clone(run);
    Crowd::opening(subscriptions, OPENING_AT_ONCE_MAX, move |number, signal| {
        let (chat, seat) = (number / 2, Seat::BOTH[number % 2]);
        match signal {
            Signal::Event(event) => take(&run, chat, seat, &event),
            Signal::Lost { error, .. } => {
                run.meter.reconnecting();
                run.meter.failed(format!("stream: {}", error.label()));
            }
            Signal::Refused { error } => run
                .meter
                .failed(format!("stream: refused with {}", error.label())),
            Signal::Opened => {}
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

fn take(run: &Run, chat: usize, seat: Seat, event: &Event<'_>) {
    let now = run.stamps.elapsed();
    let message = match Message::of(event) {
        None => return,
        Some(Ok(message)) => message,
        // It is missing in the ledger then, and will be found lost.
        Some(Err(_)) => return run.meter.failed("stream: event not understood".to_owned()),
    };
    // The sender's own stream shows the message too, and is checked, but it is the other person who waits for it.
    if let Some((due, from)) = run.stamps.read(message.id)
        && from != seat
    {
        run.meter.delivered(due, now);
    }
    run.ledger
        .delivered(chat, seat, message.seq, message.id, &message.text);
}
