//! Listening: both people's streams, from before the first message until the verdict.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use super::{FlowError, Run};
use crate::{
    checker::Seat,
    client::{ApiError, Message},
    sse::Event,
    stream::{Ended, Signal, Subscription},
};

/// Streams that may be opening at one moment: more would only overflow the server's accept queue.
const OPENING_AT_ONCE_MAX: usize = 128;
const OPEN_WITHIN: Duration = Duration::from_secs(120);

/// The open streams; they close when this is dropped.
pub(super) type Streams = JoinSet<Result<Ended, ApiError>>;

/// Opens every stream and waits until each has said hello: what is sent from then on must arrive.
pub(super) async fn open(run: &Arc<Run>) -> Result<Streams, FlowError> {
    let (said_hello, mut hellos) = watch::channel(0);
    let turns = Arc::new(Semaphore::new(OPENING_AT_ONCE_MAX));
    let mut streams = Streams::new();
    for chat in 0..run.pairs.len() {
        for seat in Seat::BOTH {
            streams.spawn(listen(
                Arc::clone(run),
                chat,
                seat,
                said_hello.clone(),
                Arc::clone(&turns),
            ));
        }
    }
    let wanted = streams.len();
    let all_open = async {
        tokio::select! {
            // No stream ends by itself in a run where nobody ends a chat, so one that does was refused.
            Some(Ok(Err(refused))) = streams.join_next() => Err(FlowError::Stream(refused)),
            _ = hellos.wait_for(|open| *open == wanted) => Ok(()),
        }
    };
    match timeout(OPEN_WITHIN, all_open).await {
        Ok(opened) => opened.map(|()| streams),
        Err(_) => {
            let open = *said_hello.borrow();
            Err(FlowError::StreamsMissing {
                open,
                wanted,
                seconds: OPEN_WITHIN.as_secs(),
            })
        }
    }
}

async fn listen(
    run: Arc<Run>,
    chat: usize,
    seat: Seat,
    said_hello: watch::Sender<usize>,
    turns: Arc<Semaphore>,
) -> Result<Ended, ApiError> {
    let heard = Arc::clone(&run);
    let session = Arc::clone(run.pairs[chat].session(seat));
    // From the position at login rather than from the present: a stream that is lost before its first message must not
    // come back behind it, whether or not the server's hello carries an id.
    let (instance, after) = (run.listens_at(chat, seat), session.last_seq);
    let stream = Subscription::new(Arc::clone(&run.clients), instance, session).after(after);
    let mut turn = Some(
        turns
            .acquire_owned()
            .await
            .expect("the semaphore is never closed"),
    );
    stream
        .follow(move |signal| {
            match signal {
                Signal::Event(event) => {
                    // The first event is hello, on every server that speaks this API.
                    if turn.take().is_some() {
                        said_hello.send_modify(|open| *open += 1);
                    }
                    take(&run, chat, seat, &event);
                }
                Signal::Lost { error, .. } => {
                    run.meter.reconnecting();
                    run.meter.failed(format!("stream: {}", error.label()));
                }
                Signal::Opened => {}
            }
            ControlFlow::Continue(())
        })
        .await
        .inspect_err(|refused| {
            heard
                .meter
                .failed(format!("stream: refused with {}", refused.label()))
        })
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
