//! Sending: the open and the closed loop, and one message with all its attempts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    Load, Options, Run,
    options::Extent,
    timetable::{self, Due},
};
use crate::{
    checker::Seat,
    client::{ApiError, send_until_settled},
    progress::Progress,
    text::Texts,
};

/// Sends everything, and returns when the last message is answered or given up.
pub(crate) async fn all(run: &Arc<Run>, options: &Options, progress: &Progress) {
    let began = run.stamps.elapsed();
    let sending = Arc::new(Sending {
        run: Arc::clone(run),
        texts: Texts::of(options.text_bytes),
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
        Extent::Messages(_) => run.meter.sent_count(),
        Extent::Time(_) => (run.stamps.elapsed() - began).as_secs(),
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

struct Sending {
    run: Arc<Run>,
    texts: Texts,
    patience: Duration,
    /// When the first message was due, since the start of the run.
    began: Duration,
    extent: Extent,
    /// The number of the next message of the closed loop.
    next: AtomicU64,
}

impl Sending {
    async fn on_a_timetable(self: Arc<Self>, rate: f64) {
        let mut timetable =
            timetable::begin(self.run.stamps.started() + self.began, rate, self.extent);
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
                    let due = sending.run.stamps.elapsed();
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

    /// Sends one message, again and again with the same id, until it is answered or patience ends.
    async fn one(&self, number: u64, due: Duration) {
        let Run {
            clients,
            pairs,
            stamps,
            ledger,
            meter,
        } = &*self.run;
        let chat = (number % pairs.len() as u64) as usize;
        let seat = Seat::BOTH[(number / pairs.len() as u64 % 2) as usize];
        let session = pairs[chat].session(seat);
        let (id, text) = (stamps.id(due, seat, number), self.texts.text(number));
        let first = self.run.sends_at(chat, seat);
        let message = (id, text.as_str());
        let count = |error: &ApiError| meter.failed(error.label());
        meter.sending();
        match send_until_settled(clients, first, session, message, self.patience, count).await {
            Ok(sent) => {
                meter.acknowledged(due, stamps.elapsed());
                ledger.acknowledged(chat, sent.seq, sent.id, &text);
            }
            Err(last) => meter.gave_up(&last),
        }
    }
}
