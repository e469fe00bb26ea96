//! `beats`: what it costs that instances know of each other, and how soon they know that one is dead.
//!
//! Each run starts a Redis of its own and the ends of the bus of so many instances, with nothing above them: one of them in
//! a process of its own, all others together in another. It is measured what they take while nobody talks. Then the one is
//! killed, several times, and it counts when each of the others has its chats compared with the store because of that.

mod options;
mod report;
mod site;

use std::{
    io, thread,
    time::{Duration, Instant},
};

use harness::servers::{Redis, StartError};
use tokio::task::spawn_blocking;

use crate::{
    progress::Progress,
    usage::{Processes, UsageError},
};
pub use options::{Options, Program};
pub use report::{BeatsReport, Run};
use site::Site;

/// How long it takes until those who have just started have nothing more to learn.
const SETTLE: Duration = Duration::from_secs(3);
/// How long instances may take to know of each other; beyond that they never will.
const ALL_KNOWN_WITHIN: Duration = Duration::from_secs(60);
/// After this long a death counts as unnoticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BeatsError {
    /// A server cannot be started, or does not answer.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A process cannot be watched.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The instances cannot be started or asked.
    #[error("the instances: {0}")]
    Instances(#[from] io::Error),
    /// There is no such program.
    #[error("{0} cannot be run: cargo build --release -p duet --example bus_instances")]
    NoProgram(String),
}

/// Measures every program with every number of instances.
///
/// # Errors
/// [`BeatsError`] says what is missing.
pub async fn run(options: &Options, progress: &Progress) -> Result<BeatsReport, BeatsError> {
    let (options, progress) = (options.clone(), *progress);
    let measure_all = move || {
        let mut runs = Vec::new();
        for program in options.programs()? {
            for &count in &options.instances {
                progress.say(format!("{}: {count} instances", program.name));
                let run = measure(&program, count, &options)?;
                progress.tell(&run);
                runs.push(run);
            }
        }
        Ok(BeatsReport {
            seconds: options.seconds.as_secs_f64(),
            runs,
        })
    };
    spawn_blocking(measure_all)
        .await
        .expect("measuring does not panic")
}

fn measure(program: &Program, count: usize, options: &Options) -> Result<Run, BeatsError> {
    let mut site = Site::start(&program.path, count)?;
    let all_known = wait_until(ALL_KNOWN_WITHIN, || Ok(site.least_known()? == count))?;
    thread::sleep(SETTLE);
    let (before, began) = (Figures::of(&site)?, Instant::now());
    thread::sleep(options.seconds);
    let (after, seconds) = (Figures::of(&site)?, began.elapsed().as_secs_f64());
    let per_second = |of: fn(&Figures) -> f64| (of(&after) - of(&before)) / seconds;
    let publications = per_second(|figures| figures.publications);
    let mut noticed = Vec::new();
    for _ in 0..options.tries {
        noticed.extend(site.kill_one(NOTICED_WITHIN)?);
        site.start_one()?;
        wait_until(ALL_KNOWN_WITHIN, || Ok(site.least_known()? == count))?;
    }
    noticed.sort_unstable();
    let deaths = options.tries * (count - 1);
    Ok(Run {
        program: program.name.clone(),
        instances: count,
        all_known,
        redis_cpu_percent: 100.0 * per_second(|figures| figures.redis_cpu_seconds),
        instance_cpu_percent: 100.0 * per_second(|figures| figures.cpu_seconds)
            / (count - 1) as f64,
        commands_per_second: per_second(|figures| figures.commands),
        beats_heard_per_second: publications * listeners_of_a_beat(&site.redis)?,
        sent_kib_per_second: per_second(|figures| figures.sent_bytes) / 1024.0,
        noticed_median_ms: noticed.get(noticed.len() / 2).copied(),
        noticed_last_ms: noticed.last().copied(),
        unnoticed: deaths.saturating_sub(noticed.len()),
    })
}

/// Whether it came true in time.
fn wait_until(
    within: Duration,
    mut come_true: impl FnMut() -> Result<bool, BeatsError>,
) -> Result<bool, BeatsError> {
    let give_up_at = Instant::now() + within;
    while Instant::now() < give_up_at {
        if come_true()? {
            return Ok(true);
        }
        thread::sleep(POLL);
    }
    Ok(false)
}

/// What was done so far.
struct Figures {
    redis_cpu_seconds: f64,
    /// That of all instances but the one.
    cpu_seconds: f64,
    commands: f64,
    publications: f64,
    sent_bytes: f64,
}

impl Figures {
    fn of(site: &Site) -> Result<Self, BeatsError> {
        let cpu_seconds = |pid: u32| -> Result<f64, UsageError> {
            Ok(Processes::new(&[pid])?.usage().cpu_seconds)
        };
        let redis = site.redis.process().map(|process| process.id());
        let info = site.redis.command(&["INFO", "everything"])?;
        let value = |name: &str| -> f64 {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            let digits = line.and_then(|line| line.split(['\r', ',']).next());
            digits
                .and_then(|digits| digits.parse().ok())
                .unwrap_or_default()
        };
        Ok(Self {
            redis_cpu_seconds: redis.map_or(Ok(0.0), cpu_seconds)?,
            cpu_seconds: cpu_seconds(site.rest.id())?,
            commands: value("total_commands_processed:"),
            publications: value("cmdstat_spublish:calls="),
            sent_bytes: value("total_net_output_bytes:"),
        })
    }
}

/// How many instances hear a beat, on average over the channels that are beaten on.
fn listeners_of_a_beat(redis: &Redis) -> Result<f64, StartError> {
    let channels = redis.command(&["PUBSUB", "SHARDCHANNELS", "duet:beats:*"])?;
    let channels = channels.lines().filter(|channel| !channel.is_empty());
    let ask: Vec<&str> = ["PUBSUB", "SHARDNUMSUB"]
        .into_iter()
        .chain(channels)
        .collect();
    let told = redis.command(&ask)?;
    // A channel and its number, in turn.
    let counts = told.lines().skip(1).step_by(2);
    let counts: Vec<f64> = counts.filter_map(|count| count.parse().ok()).collect();
    Ok(counts.iter().sum::<f64>() / counts.len().max(1) as f64)
}
