//! `storm`: every stream is lost at once, and everyone comes back at once with `Last-Event-ID`.
//!
//! The last message of each chat is lost with the connections: everyone comes back behind the one before it, at the next
//! instance, and is whole when the last one is shown. They come back at once, whatever the server's `retry:` asked for: its
//! jitter spreads such a storm, so it stands in no figure. After a refusal they wait as they are told to.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use clap::Args;
use harness::{
    checker::Seat,
    client::{ApiError, Client, Message, send_until_settled},
    stream::{Signal, Subscription},
};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{
    crowd::{Crowd, CrowdError, OPENING_AT_ONCE_MAX},
    flow::server_plots,
    meter::latencies_us,
    options::{Carriage, Servers, ServersError, at_least_one, seconds},
    page::Page,
    pairs::{self, Pair},
    plot::{self, Line},
    progress::Progress,
    report::{Outcome, Report},
    watch::{ServerUsage, Watch},
};

/// Enough messages that one of them can be lost with the connection, and one be there to come back with.
const MESSAGES: u64 = 2;
const SENDING_AT_ONCE_MAX: usize = 64;

/// Options of `storm`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to.
    #[command(flatten)]
    pub servers: Servers,

    /// How the streams are carried.
    #[command(flatten)]
    pub carriage: Carriage,

    /// How many streams are lost at once: both people's of half as many pairs.
    #[arg(long, default_value_t = 1000, value_parser = at_least_one, value_name = "N")]
    pub streams: usize,

    /// How long everyone may take to come back, in seconds.
    #[arg(long, default_value = "60", value_parser = seconds, value_name = "S")]
    pub patience: Duration,
}

/// Why the run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StormError {
    /// The servers cannot be driven as asked.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// The pairs could not be made, or a first message not be sent.
    #[error("the chats could not be prepared: {0}")]
    Preparing(#[from] ApiError),
    /// The streams could not be opened before the storm.
    #[error(transparent)]
    Streams(#[from] CrowdError),
}

/// The report of a `storm` run.
#[derive(Clone, Debug, Serialize)]
pub struct StormReport {
    /// Where the servers are.
    pub api: Vec<String>,
    /// How the streams were carried.
    pub carriage: &'static str,
    /// Streams that were lost at once.
    pub streams: usize,
    /// Those that came back and showed what they had missed.
    pub whole: u64,
    /// From the loss until the last of them was whole.
    pub whole_seconds: f64,
    /// The same for half of all streams, in milliseconds; one that did not come back counts with the whole patience.
    pub p50_ms: f64,
    /// For 99 of 100.
    pub p99_ms: f64,
    /// How many in a hundred were whole after so many milliseconds.
    pub curve: Vec<(f64, f64)>,
    /// Requests that the servers refused.
    pub refused: u64,
    /// Those of them that were not told when to come back.
    pub refused_without_word: u64,
    /// Every failed attempt by its status or kind.
    pub errors: BTreeMap<String, u64>,
    /// What the servers used meanwhile.
    pub servers: Option<ServerUsage>,
}

/// What the returning streams write down.
#[derive(Debug)]
struct Return {
    lost_at: Instant,
    /// Which of them are whole: a message that came twice must not count twice.
    is_whole: Vec<AtomicBool>,
    whole: watch::Sender<u64>,
    whole_us: Mutex<Histogram<u64>>,
    refused: AtomicU64,
    refused_without_word: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
}

/// Makes one run.
pub async fn run(options: &Options, progress: &Progress) -> Result<StormReport, StormError> {
    let clients = options.servers.clients_by(options.carriage).await?;
    let processes = options.servers.processes()?;
    let pairs = pairs::gather(&clients, options.streams.div_ceil(2), progress).await?;
    say_something(&clients, &pairs, progress).await?;

    let streams = subscriptions(&clients, &pairs, 0, Subscription::after);
    let mut crowd = Crowd::opening(streams, OPENING_AT_ONCE_MAX, |_, _| {});
    crowd.all_open(progress).await?;

    let watch = Watch::begin(&processes);
    let returning = Arc::new(Return::of(2 * pairs.len()));
    drop(crowd);
    let noted = Arc::clone(&returning);
    let back = Crowd::opening(
        subscriptions(&clients, &pairs, 1, Subscription::resumed_after),
        2 * pairs.len(),
        move |number, signal| noted.hear(number, &signal),
    );
    let streams = 2 * pairs.len() as u64;
    let mut whole = returning.whole.subscribe();
    let count = whole.clone();
    let everyone = timeout(options.patience, whole.wait_for(|whole| *whole == streams));
    // Who is missing then is told by the report.
    let _ = progress
        .during(
            "all are lost, and come back",
            (streams, "streams"),
            || *count.borrow(),
            everyone,
        )
        .await;
    let servers = watch.end().await;
    drop(back);
    Ok(returning.report(options, streams as usize, servers))
}

/// Everyone's stream, at the instance this many after the one where it was first; all behind the last message but one.
fn subscriptions(
    clients: &Arc<[Client]>,
    pairs: &[Pair],
    moved: usize,
    from: fn(Subscription, u64) -> Subscription,
) -> Vec<Subscription> {
    let pairs = pairs.iter().enumerate();
    pairs
        .flat_map(|(chat, pair)| {
            Seat::BOTH.map(|seat| {
                let instance = chat + usize::from(u8::from(seat)) + moved;
                let session = Arc::clone(pair.session(seat));
                let stream = Subscription::new(Arc::clone(clients), instance, session);
                from(stream, MESSAGES - 1)
            })
        })
        .collect()
}

/// Puts a message or two into every chat.
async fn say_something(
    clients: &Arc<[Client]>,
    pairs: &[Pair],
    progress: &Progress,
) -> Result<(), ApiError> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let (next, sent) = (AtomicU64::new(0), AtomicU64::new(0));
    let chats = pairs.len() as u64;
    let sender = async || {
        loop {
            let chat = next.fetch_add(1, Relaxed);
            let Some(pair) = pairs.get(chat as usize) else {
                return Ok(());
            };
            let session = pair.session(Seat::One);
            for text in ["Hello", "Are you there?"] {
                let message = (Uuid::new_v4(), text);
                send_until_settled(clients, chat as usize, session, message, PATIENCE, |_| {})
                    .await?;
            }
            sent.fetch_add(1, Relaxed);
        }
    };
    let senders = futures_util::future::try_join_all((0..SENDING_AT_ONCE_MAX).map(|_| sender()));
    progress
        .during(
            format!("sending {MESSAGES} messages in each chat"),
            (chats, "chats"),
            || sent.load(Relaxed),
            senders,
        )
        .await
        .map(drop)
}

impl Return {
    fn of(streams: usize) -> Self {
        Self {
            lost_at: Instant::now(),
            is_whole: (0..streams).map(|_| AtomicBool::new(false)).collect(),
            whole: watch::Sender::new(0),
            whole_us: Mutex::new(latencies_us(3)),
            refused: AtomicU64::new(0),
            refused_without_word: AtomicU64::new(0),
            errors: Mutex::default(),
        }
    }

    fn hear(&self, number: usize, signal: &Signal<'_>) {
        match signal {
            Signal::Event(event) => {
                if let Some(Ok(message)) = Message::of(event)
                    && message.seq == MESSAGES
                    && !self.is_whole[number].swap(true, Relaxed)
                {
                    let took_us = self.lost_at.elapsed().as_micros() as u64;
                    let mut whole_us = self.whole_us.lock().unwrap_or_else(PoisonError::into_inner);
                    whole_us.saturating_record(took_us);
                    self.whole.send_modify(|whole| *whole += 1);
                }
            }
            Signal::Lost { error, .. } | Signal::Refused { error } => {
                if error.code().is_some() {
                    self.refused.fetch_add(1, Relaxed);
                    let untold = error.retry_after().is_none();
                    self.refused_without_word.fetch_add(untold.into(), Relaxed);
                }
                let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
                *errors.entry(error.label()).or_default() += 1;
            }
            Signal::Opened => {}
        }
    }

    fn report(
        &self,
        options: &Options,
        streams: usize,
        servers: Option<ServerUsage>,
    ) -> StormReport {
        let mut whole_us = self.whole_us.lock().unwrap_or_else(PoisonError::into_inner);
        let (whole, last_us) = (whole_us.len(), whole_us.max());
        // Those that are missing take longer than anybody waited, or the figures would be of the fast ones alone.
        let patience_us = options.patience.as_micros() as u64;
        whole_us.saturating_record_n(patience_us, streams as u64 - whole);
        let at_ms = |percent: f64| whole_us.value_at_percentile(percent) as f64 / 1e3;
        let came = (1..=100_u64).take_while(|percent| percent * streams as u64 <= 100 * whole);
        let curve = came.map(|percent| (percent as f64, at_ms(percent as f64)));
        StormReport {
            api: options.servers.api.clone(),
            carriage: options.carriage.name(),
            streams,
            whole,
            whole_seconds: last_us as f64 / 1e6,
            p50_ms: at_ms(50.0),
            p99_ms: at_ms(99.0),
            curve: curve.collect(),
            refused: self.refused.load(Relaxed),
            refused_without_word: self.refused_without_word.load(Relaxed),
            errors: self
                .errors
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            servers,
        }
    }
}

impl Report for StormReport {
    fn outcome(&self) -> Outcome {
        if self.whole == self.streams as u64 && self.refused_without_word == 0 {
            Outcome::Kept
        } else {
            Outcome::Incomplete
        }
    }

    fn page(&self) -> Page {
        let back = self.curve.iter().map(|&(percent, ms)| (ms / 1e3, percent));
        let page = Page::titled("All streams lost at once")
            .columns(self.to_string())
            .figure(
                "How many in a hundred had come back and were whole.",
                plot::lines(
                    &plot::Axes::new("seconds", "percent"),
                    &[Line::new("whole", back.collect())],
                    &[],
                ),
            );
        self.servers.iter().fold(page, server_plots)
    }
}

impl fmt::Display for StormReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} streams over {} lost at once, at {}\n",
            self.streams,
            self.carriage,
            self.api.join(", ")
        )?;
        writeln!(
            f,
            "{} are whole again: half after {:.0} ms, 99 of 100 after {:.0} ms, the last of them after {:.2} s",
            self.whole, self.p50_ms, self.p99_ms, self.whole_seconds
        )?;
        write!(
            f,
            "refused {}, of these without a word when to come back {}",
            self.refused, self.refused_without_word
        )?;
        for (label, count) in &self.errors {
            write!(f, "\nfailed attempts: {label} × {count}")?;
        }
        if let Some(servers) = &self.servers {
            write!(f, "\n{servers}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_do_not_come_back_are_in_the_figures() {
        let servers = Servers {
            api: Vec::new(),
            pid: Vec::new(),
            connections: 1,
        };
        let options = Options {
            servers,
            carriage: Carriage {
                h2c: false,
                streams_per_connection: 1,
            },
            streams: 10,
            patience: Duration::from_secs(60),
        };
        let returning = Return::of(10);
        returning
            .whole_us
            .lock()
            .unwrap()
            .record_n(1_000, 4)
            .unwrap();
        let report = returning.report(&options, 10, None);
        assert_eq!((report.whole, report.whole_seconds), (4, 0.001));
        assert!(report.p50_ms >= 60_000.0, "{report}");
        assert_eq!(report.curve.len(), 40);
        assert_eq!(report.outcome(), Outcome::Incomplete);
    }
}
