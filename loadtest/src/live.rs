//! Streams of a run that are taken down and opened again, and of which it is known at every moment
//! how far each has come and when it showed its last message.

use harness::{
    checker::Seat,
    client::{Client, Message},
    stream::Subscription,
};
use std::{
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::Duration,
};

use crate::{
    crowd::{Crowd, CrowdError, OPENING_AT_ONCE_MAX, Unended},
    flow::Run,
    progress::Progress,
};

/// Both people's streams in all chats of a run.
#[derive(Debug)]
pub(crate) struct Streams {
    run: Arc<Run>,
    /// By chat and seat.
    places: Arc<[Place]>,
    crowd: Crowd,
}

/// How far a stream has come.
#[derive(Debug, Default)]
struct Place {
    seq: AtomicU64,
    shown_at_us: AtomicU64,
}

impl Streams {
    /// No streams yet.
    pub(crate) fn of(run: &Arc<Run>) -> Self {
        let places = (0..2 * run.pairs.len()).map(|_| Place::default());
        Self {
            run: Arc::clone(run),
            places: places.collect(),
            crowd: Crowd::opening([], OPENING_AT_ONCE_MAX, |_, _| {}),
        }
    }

    /// Opens all streams behind what they have shown already, those that are open again, and waits until all are;
    /// `at` says at which instances, and at which of them first. A stream that is lost comes back by itself.
    pub(crate) async fn open(
        &mut self,
        at: impl Fn(usize, Seat) -> (Arc<[Client]>, usize),
        progress: &Progress,
    ) -> Result<(), CrowdError> {
        let none = Crowd::opening([], OPENING_AT_ONCE_MAX, |_, _| {});
        // To the last of them, so that none writes down what the next one is about to show.
        std::mem::replace(&mut self.crowd, none).close().await;
        let subscriptions: Vec<_> = (0..self.run.pairs.len())
            .flat_map(|chat| Seat::BOTH.map(|seat| (chat, seat)))
            .map(|(chat, seat)| {
                let (clients, first) = at(chat, seat);
                let session = Arc::clone(self.run.pairs[chat].session(seat));
                let after = self.reached(chat, seat).max(session.last_seq);
                Subscription::new(clients, first, session).after(after)
            })
            .collect();
        let (run, places) = (Arc::clone(&self.run), Arc::clone(&self.places));
        self.crowd = Crowd::opening(subscriptions, OPENING_AT_ONCE_MAX, move |number, signal| {
            let now = run.stamps.elapsed();
            if let Some(message) = run.heard(&signal) {
                take(&run, &places, number, &message, now);
            }
        });
        self.all_open(progress).await
    }

    /// Waits until every stream is open.
    pub(crate) async fn all_open(&mut self, progress: &Progress) -> Result<(), CrowdError> {
        self.crowd.all_open(progress).await
    }

    /// Waits until the server has ended every stream for good, and says how many it has not.
    pub(crate) async fn all_ended(&mut self, within: Duration) -> usize {
        let Unended { open, unknown } = self.crowd.all_ended(within).await;
        open + unknown
    }

    /// The last message that this stream has shown.
    pub(crate) fn reached(&self, chat: usize, seat: Seat) -> u64 {
        self.place(chat, seat).seq.load(Acquire)
    }

    /// When this stream showed its last message, since the run's start.
    pub(crate) fn shown_at(&self, chat: usize, seat: Seat) -> Duration {
        Duration::from_micros(self.place(chat, seat).shown_at_us.load(Relaxed))
    }

    fn place(&self, chat: usize, seat: Seat) -> &Place {
        &self.places[2 * chat + usize::from(seat == Seat::Two)]
    }
}

fn take(run: &Run, places: &[Place], number: usize, message: &Message<'_>, now: Duration) {
    let (chat, seat) = (number / 2, Seat::BOTH[number % 2]);
    run.shown(chat, seat, message, now);
    let place = &places[number];
    place.shown_at_us.store(now.as_micros() as u64, Relaxed);
    place.seq.store(message.seq, Release);
}
