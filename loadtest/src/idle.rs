//! `idle`: streams that are open while nobody talks, and what each of them costs the servers.
//!
//! The two people of each pair have a stream each, so half a pair's memory is in each figure. A few pairs are made before
//! the memory is read first, so that what a server sets up once, for its first requests, is in no stream's share.

use std::{fmt, sync::Arc, time::Duration};

use clap::Args;
use harness::{
    checker::Seat,
    client::{ApiError, Client},
    stream::Subscription,
};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    crowd::{Crowd, CrowdError, OPENING_AT_ONCE_MAX},
    flow::server_plots,
    options::{Carriage, Servers, ServersError, at_least_one, seconds},
    page::Page,
    pairs::{self, Pair},
    progress::Progress,
    report::{Outcome, Report},
    usage::{self, Processes},
    watch::{ServerUsage, Watch},
};

/// Pairs that are made before the memory is read first.
const WARM_UP_PAIRS: usize = 64;

/// Options of `idle`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to.
    #[command(flatten)]
    pub servers: Servers,

    /// How the streams are carried.
    #[command(flatten)]
    pub carriage: Carriage,

    /// How many streams are open: both people's of half as many pairs.
    #[arg(long, default_value_t = 1000, value_parser = at_least_one, value_name = "N")]
    pub streams: usize,

    /// Only the first person of each pair opens a stream, so there are as many pairs as streams.
    #[arg(long)]
    pub alone: bool,

    /// How many seconds the open streams are left alone before they are measured.
    #[arg(long, default_value = "3", value_parser = seconds, value_name = "S")]
    pub settle: Duration,

    /// How many seconds they are measured. A sign of life comes every 15 seconds, so at least that long.
    #[arg(long, default_value = "15", value_parser = seconds, value_name = "S")]
    pub duration: Duration,
}

/// Why the run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IdleError {
    /// The servers cannot be driven as asked.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// The pairs could not be made.
    #[error("the pairs could not be registered and logged in: {0}")]
    Gathering(#[from] ApiError),
    /// The streams could not be opened.
    #[error(transparent)]
    Streams(#[from] CrowdError),
}

/// The report of an `idle` run.
#[derive(Clone, Debug, Serialize)]
pub struct IdleReport {
    /// Where the servers are.
    pub api: Vec<String>,
    /// How the streams were carried.
    pub carriage: &'static str,
    /// Streams that were open.
    pub streams: usize,
    /// Pairs they belong to.
    pub pairs: usize,
    /// From the first request for a stream until the last one had said hello.
    pub opening_seconds: f64,
    /// Streams that were lost while they were left alone.
    pub lost: usize,
    /// Resident memory of the servers before the pairs were made.
    pub resident_mib_before: Option<f64>,
    /// What each stream added to it, its share of the pair included.
    pub kib_per_stream: Option<f64>,
    /// What the servers used while the streams were left alone.
    pub servers: Option<ServerUsage>,
    /// Processor seconds that the tool itself used meanwhile.
    pub tool_cpu_seconds: f64,
}

/// Makes one run.
pub async fn run(options: &Options, progress: &Progress) -> Result<IdleReport, IdleError> {
    let clients = options.servers.clients_by(options.carriage).await?;
    let processes = options.servers.processes()?;

    pairs::gather(&clients, WARM_UP_PAIRS, &Progress::silent()).await?;
    let before = resident_mib(&processes);
    let seats: &[Seat] = if options.alone {
        &[Seat::One]
    } else {
        &Seat::BOTH
    };
    let count = options.streams.div_ceil(seats.len());
    let pairs = pairs::gather(&clients, count, progress).await?;

    let began = Instant::now();
    let mut crowd = open(&clients, &pairs, seats, options.streams);
    crowd.all_open(progress).await?;
    let opening_seconds = began.elapsed().as_secs_f64();
    let lost_before = crowd.lost();

    for client in clients.iter() {
        client.close_idle_connections();
    }
    progress.say(format!("waiting {} s", options.settle.as_secs_f64()));
    sleep(options.settle).await;
    let watch = Watch::begin(&processes);
    let cpu_before = usage::cpu_seconds();
    let (whole, started) = (options.duration, Instant::now());
    progress
        .during(
            "leaving them alone",
            (whole.as_secs(), "seconds"),
            || started.elapsed().as_secs(),
            sleep(whole),
        )
        .await;
    let tool_cpu_seconds = usage::cpu_seconds() - cpu_before;
    let servers = watch.end().await;
    let lost = crowd.lost() - lost_before;
    drop(crowd);

    let kib_per_stream = before
        .zip(servers.as_ref())
        .map(|(before, servers)| (servers.resident_mib - before) * 1024.0 / options.streams as f64);
    Ok(IdleReport {
        api: options.servers.api.clone(),
        carriage: options.carriage.name(),
        streams: options.streams,
        pairs: count,
        opening_seconds,
        lost,
        resident_mib_before: before,
        kib_per_stream,
        servers,
        tool_cpu_seconds,
    })
}

/// Begins to open the streams, the two of a pair at different instances.
fn open(clients: &Arc<[Client]>, pairs: &[Pair], seats: &[Seat], streams: usize) -> Crowd {
    let subscriptions = pairs
        .iter()
        .flat_map(|pair| seats.iter().map(move |&seat| pair.session(seat)))
        .enumerate()
        .take(streams)
        .map(|(number, session)| {
            let instance = number / seats.len() + number % seats.len();
            Subscription::new(Arc::clone(clients), instance, Arc::clone(session))
                .after(session.last_seq)
        });
    Crowd::opening(subscriptions, OPENING_AT_ONCE_MAX, |_, _| {})
}

fn resident_mib(processes: &Processes) -> Option<f64> {
    let bytes = processes.usage().resident_bytes as f64;
    (!processes.is_empty()).then_some(bytes / f64::from(1 << 20))
}

impl Report for IdleReport {
    fn outcome(&self) -> Outcome {
        if self.lost == 0 {
            Outcome::Kept
        } else {
            Outcome::Incomplete
        }
    }

    fn page(&self) -> Page {
        let page = Page::titled("Streams at rest").columns(self.to_string());
        self.servers.iter().fold(page, server_plots)
    }
}

impl fmt::Display for IdleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} streams of {} pairs over {}, at {}\n",
            self.streams,
            self.pairs,
            self.carriage,
            self.api.join(", ")
        )?;
        writeln!(
            f,
            "opened in {:.2} s, lost {}",
            self.opening_seconds, self.lost
        )?;
        if let (Some(before), Some(kib)) = (self.resident_mib_before, self.kib_per_stream) {
            writeln!(
                f,
                "each added {kib:.2} KiB to the servers' memory, which was {before:.1} MiB before"
            )?;
        }
        if let Some(servers) = &self.servers {
            writeln!(f, "while they were left alone {servers}")?;
        }
        write!(
            f,
            "the tool itself used {:.2} CPU seconds meanwhile",
            self.tool_cpu_seconds
        )
    }
}
