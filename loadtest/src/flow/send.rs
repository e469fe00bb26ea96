//! Sending: the open and the closed loop, and one message with all its attempts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use harness::checker::Seat;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    Load, Options,
    options::Extent,
    timetable::{self, Due},
};
use crate::{meter::Meter, progress::Progress, stamp::Stamps, text::Texts};

/// Pairs of people who say what they are told to, whatever carries it.
pub(crate) trait Talkers: Send + Sync + 'static {
    /// The run's clock, and its mark on ids.
    fn stamps(&self) -> &Stamps;
    /// Where it is written down what became of messages.
    fn meter(&self) -> &Meter;
    /// How many pairs there are.
    fn pairs(&self) -> usize;
    /// Texts of this size that the carrier can carry.
    fn texts(&self, len: usize) -> Texts;
    /// Sends one message, again and again where that helps, until it is answered or patience ends, and writes down which.
    fn say(&self, saying: Saying<'_>) -> impl Future<Output = ()> + Send;
}

/// A message to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saying<'a> {
    pub(crate) chat: usize,
    /// The sender's.
    pub(crate) seat: Seat,
    /// When it was due, since the start of the run.
    pub(crate) due: Duration,
    pub(crate) id: Uuid,
    pub(crate) text: &'a str,
    pub(crate) patience: Duration,
}

/// Sends everything, and returns when the last message is answered or given up.
pub(crate) async fn all<T: Talkers>(run: &Arc<T>, options: &Options, progress: &Progress) {
    let began = run.stamps().elapsed();
    let sending = Arc::new(Sending {
        run: Arc::clone(run),
        texts: run.texts(options.text_bytes),
        patience: options.patience,
        began,
        extent: options.extent(),
        next: AtomicU64::default(),
    });
    let load = options.load();
    let total = match sending.extent {
        Extent::Messages(messages) => (messages, "messages"),
        Extent::Time(time) => (time.as_secs(), "seconds"),
    };
    let done = || match sending.extent {
        Extent::Messages(_) => run.meter().sent_count(),
        Extent::Time(_) => (run.stamps().elapsed() - began).as_secs(),
    };
    let work = async {
        let sending = Arc::clone(&sending);
        match load {
            Load::Open { rate } => sending.on_a_timetable(rate).await,
            Load::Closed { concurrency } => sending.by_senders(concurrency).await,
        }
    };
    progress
        .during(format!("sending {load}"), total, done, work)
        .await;
}

struct Sending<T> {
    run: Arc<T>,
    texts: Texts,
    patience: Duration,
    /// When the first message was due, since the start of the run.
    began: Duration,
    extent: Extent,
    /// The number of the next message of the closed loop.
    next: AtomicU64,
}

impl<T: Talkers> Sending<T> {
    async fn on_a_timetable(self: Arc<Self>, rate: f64) {
        let mut timetable =
            timetable::begin(self.run.stamps().started() + self.began, rate, self.extent);
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                Some(Due { number, since_first }) = timetable.recv() => {
                    let sending = Arc::clone(&self);
                    under_way.spawn(async move { sending.one(number, sending.began + since_first).await });
                }
                Some(done) = under_way.join_next() => done.expect("sending does not panic"),
                else => return,
            }
        }
    }

    async fn by_senders(self: Arc<Self>, concurrency: usize) {
        let mut senders = JoinSet::new();
        for _ in 0..concurrency {
            let sending = Arc::clone(&self);
            senders.spawn(async move {
                loop {
                    let due = sending.run.stamps().elapsed();
                    let number = sending.next.fetch_add(1, Relaxed);
                    if !sending.extent.covers(number, due - sending.began) {
                        return;
                    }
                    sending.one(number, due).await;
                }
            });
        }
        while let Some(done) = senders.join_next().await {
            done.expect("sending does not panic");
        }
    }

    async fn one(&self, number: u64, due: Duration) {
        let pairs = self.run.pairs() as u64;
        let seat = Seat::BOTH[(number / pairs % 2) as usize];
        self.run.meter().sending();
        let saying = Saying {
            chat: (number % pairs) as usize,
            seat,
            due,
            id: self.run.stamps().id(due, seat, number),
            text: &self.texts.text(number),
            patience: self.patience,
        };
        self.run.say(saying).await;
    }
}
