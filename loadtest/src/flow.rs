//! `flow`: pairs talk, at a fixed rate or as fast as a number of senders can, and everything is measured and checked.
//!
//! The stages, in the order [`run`] takes them: gather the pairs, open both people's streams, send, wait until the
//! streams have shown everything, read the history, judge.
//!
//! **Latency is counted from when a message was due.** With `--rate`, messages fall due on a fixed timetable; a server
//! that stalls for a second makes every message of that second late, and all of them count. A tool that waited for
//! answers before sending on would have measured one slow message and called the rest fast (coordinated omission).
//!
//! **Instances are spread so that nothing stays local.** The two streams of a pair are open on different instances, and
//! with two of them each message is sent on the one where the recipient's stream is not: every delivery takes the long way.

mod listen;
mod options;
mod recall;
mod send;
mod timetable;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    checker::{Ledger, Seat},
    client::{ApiError, Client},
    http::TargetError,
    meter::Meter,
    pairs::{self, Pair},
    report::Report,
    stamp::Stamps,
    usage,
};
pub use options::{Load, Options};

/// How often the tail's end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why a run could not be made. What happens to single messages during a run is no such reason, and is in its report.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// An address is no address.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The pairs could not be made.
    #[error("the pairs could not be registered and logged in: {0}")]
    Gathering(ApiError),
    /// A stream was refused for good.
    #[error("a stream was refused: {0}")]
    Stream(ApiError),
    /// Streams did not open in time.
    #[error("{open} of {wanted} streams opened within {seconds} s")]
    StreamsMissing {
        /// Those that said hello.
        open: usize,
        /// All of them.
        wanted: usize,
        /// The deadline.
        seconds: u64,
    },
    /// The history could not be read.
    #[error("the history could not be read: {0}")]
    History(ApiError),
}

/// What all parts of a run share.
#[derive(Debug)]
struct Run {
    clients: Arc<[Client]>,
    pairs: Vec<Pair>,
    stamps: Stamps,
    ledger: Ledger,
    meter: Meter,
}

/// Makes one run; `say` is told each stage as it begins.
pub async fn run(options: &Options, say: impl Fn(&str)) -> Result<Report, FlowError> {
    let mut clients = Vec::with_capacity(options.api.len());
    for url in &options.api {
        clients.push(Client::with_connections(url, options.connections).await?);
    }
    let clients: Arc<[Client]> = clients.into();

    say(&format!(
        "registering {} pairs and logging both people in",
        options.pairs
    ));
    let pairs = pairs::gather(&clients, options.pairs)
        .await
        .map_err(FlowError::Gathering)?;
    let run = Arc::new(Run {
        clients,
        stamps: Stamps::starting_now(),
        ledger: Ledger::new(pairs.len()),
        meter: Meter::default(),
        pairs,
    });

    say(&format!("opening {} streams", 2 * options.pairs));
    let streams = listen::open(&run).await?;

    say(&format!("sending {}", options.load()));
    let cpu_before = usage::cpu_seconds();
    send::all(&run, options).await;
    let cpu_seconds = usage::cpu_seconds() - cpu_before;

    say("waiting until both people have seen everything");
    if !wait_for_tail(&run.ledger, options.tail).await {
        say(&format!(
            "giving up on it after {} s",
            options.tail.as_secs_f64()
        ));
    }

    // The streams stay open meanwhile: what they show again now is still counted.
    say("reading the history");
    recall::all(&run).await.map_err(FlowError::History)?;
    drop(streams);
    Ok(Report::new(
        options,
        &run.meter,
        cpu_seconds,
        run.ledger.verdict(),
    ))
}

/// Waits until no stream owes a message; `false` when the deadline came first.
async fn wait_for_tail(ledger: &Ledger, deadline: Duration) -> bool {
    let give_up_at = Instant::now() + deadline;
    while ledger.outstanding() > 0 {
        if Instant::now() > give_up_at {
            return false;
        }
        sleep(LOOK_EVERY).await;
    }
    true
}

impl Run {
    /// The number of the instance where this person's stream is open first.
    fn listens_at(&self, chat: usize, seat: Seat) -> usize {
        chat + usize::from(u8::from(seat))
    }

    /// The number of the instance where this person's messages are sent first.
    fn sends_at(&self, chat: usize, seat: Seat) -> usize {
        chat + usize::from(u8::from(seat)) + 2
    }
}
