//! `torture`: faults on a schedule over a cluster of its own, while pairs talk, until it is known
//! whether every promise was kept.
//!
//! Each round is one fault. Both people of every pair have a stream open, at different instances;
//! messages are sent before and during the fault, and mostly end before it does. Then nobody says
//! anything more: what was lost on the way must be found by the instances alone, and the round ends
//! when all streams have shown everything. At the end the whole history is read, all chats are ended,
//! and what is left of them in PostgreSQL and Redis is counted.

mod options;
mod report;
mod schedule;

use std::{sync::Arc, time::Duration};

use harness::{
    checker::Seat,
    client::{ApiError, CONNECTIONS_MAX, Client, Retry},
    faults::FaultError,
    http::TargetError,
    servers::{self, Cluster, StartError},
};
use tokio::time::{Instant, sleep};

use crate::{
    crowd::CrowdError,
    flow::{self, FlowError, Run, recall, send, wait_for_tail},
    footprint::{Footprint, ProcessFootprint, Traces},
    live::Streams,
    options::Servers,
    progress::Progress,
};
pub use options::Options;
pub use report::{RoundReport, TortureReport};
use schedule::{LEAD, Round, Schedule};

/// How long one message is tried again: longer than any fault lasts.
const PATIENCE: Duration = Duration::from_secs(60);
/// What ended chats leave is deleted within ten seconds on a machine that has nothing else to do.
const TRACES_GONE_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
const TEXT_BYTES: usize = 200;

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TortureError {
    /// A server cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A fault cannot be made.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// An address is no address.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The pairs cannot be made, or the history not be read.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The streams do not open.
    #[error(transparent)]
    Streams(#[from] CrowdError),
    /// The chats do not end, or take no message.
    #[error("a chat could not be ended or written in: {0}")]
    Api(#[from] ApiError),
}

/// Makes one run, on a runtime with two threads or more.
pub async fn run(options: &Options, progress: &Progress) -> Result<TortureReport, TortureError> {
    let seed = options.seed.unwrap_or_else(rand::random);
    let program = servers::program(options.duet.clone())?;
    progress.say(format!(
        "seed {seed}: starting PostgreSQL ({}), Redis and {} instances",
        options.postgres_servers, options.instances
    ));
    let (servers, instances) = (options.postgres_servers, options.instances);
    let mut cluster = Cluster::over(servers, &program, instances, options.clocks_apart).await?;
    let mut clients = Vec::new();
    for url in cluster.urls() {
        clients.push(Client::new(&url).await?);
    }
    let run = Arc::new(Run::gather(clients.into(), options.pairs, progress).await?);
    let mut streams = Streams::of(&run);
    spread(&run, &mut streams).await?;
    let before = Footprint::of(&cluster).await?;

    let give_up_at = Instant::now() + options.duration;
    let mut rounds = Vec::new();
    for round in Schedule::new(seed, options.faults(), options.instances) {
        if Instant::now() > give_up_at {
            break;
        }
        let report = make(round, &run, &mut cluster, options).await?;
        progress.tell(&report);
        let is_over = report.healed_ms.is_none();
        rounds.push(report);
        if is_over {
            break;
        }
        // Home again, so that the next fault finds the two people of a pair apart.
        spread(&run, &mut streams).await?;
    }

    let after = Footprint::of(&cluster).await?;
    progress.say("reading the history");
    recall::all(&run, PATIENCE).await;
    let verdict = run.ledger.verdict();
    progress.say("ending all chats");
    end_all(&run).await?;
    let streams_left = streams.all_ended(TRACES_GONE_WITHIN).await;
    let left = traces_left(&cluster).await?;
    Ok(TortureReport {
        seed,
        instances: options.instances,
        pairs: options.pairs,
        rate: options.rate,
        rounds,
        counts: run.meter.counts(),
        acknowledgement: run.meter.acknowledgements(),
        delivery: run.meter.deliveries(),
        before,
        after,
        streams_left,
        left,
        verdict,
    })
}

/// Opens both people's streams at different instances.
async fn spread(run: &Arc<Run>, streams: &mut Streams) -> Result<(), CrowdError> {
    let at = |chat, seat| (Arc::clone(&run.clients), run.listens_at(chat, seat));
    streams.open(at, &Progress::silent()).await
}

/// Makes one round: the fault, the messages beside it, and the silence in which it must heal.
async fn make(
    round: Round,
    run: &Arc<Run>,
    cluster: &mut Cluster,
    options: &Options,
) -> Result<RoundReport, TortureError> {
    let sent_before = run.meter.sent_count();
    let talk = flow::Options {
        servers: Servers {
            api: cluster.urls(),
            pid: Vec::new(),
            connections: CONNECTIONS_MAX,
        },
        beside: Vec::new(),
        instructions: false,
        silent_chats: 0,
        pairs: options.pairs,
        rate: Some(options.rate),
        concurrency: 0,
        duration: round.sending,
        messages: None,
        warmup: Duration::ZERO,
        text_bytes: TEXT_BYTES,
        patience: PATIENCE,
        tail: options.tail,
    };
    let talking = Arc::clone(run);
    let talking =
        tokio::spawn(async move { send::all(&talking, &talk, &Progress::silent()).await });
    sleep(LEAD).await;
    let began = run.stamps.elapsed();
    round
        .fault
        .begin(cluster, round.member, round.lasts)
        .await?;
    sleep(round.lasts).await;
    round.fault.end(cluster, round.member)?;
    let ended = run.stamps.elapsed();
    talking.await.expect("sending does not panic");
    let healed = wait_for_tail(&run.ledger, options.tail).await;
    let healed_ms = healed.then(|| milliseconds(run.stamps.elapsed() - ended));
    round.fault.repair(cluster, round.member)?;
    Ok(RoundReport {
        fault: round.fault,
        instance: round.member,
        at_s: began.as_secs_f64(),
        lasted_ms: milliseconds(ended - began),
        sent: run.meter.sent_count() - sent_before,
        healed_ms,
        instances: ProcessFootprint::of_instances(cluster),
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Ends every chat, half of them by the one person and half by the other.
async fn end_all(run: &Run) -> Result<(), ApiError> {
    for (chat, pair) in run.pairs.iter().enumerate() {
        let mut retry = Retry::for_up_to(PATIENCE);
        let session = pair.session(Seat::BOTH[chat % 2]);
        while let Err(error) = run.clients[chat % run.clients.len()].end(session).await {
            retry.pause(error).await?;
        }
    }
    Ok(())
}

async fn traces_left(cluster: &Cluster) -> Result<Traces, FaultError> {
    let give_up_at = Instant::now() + TRACES_GONE_WITHIN;
    loop {
        let left = Traces::of(cluster).await?;
        if left.are_none() || Instant::now() > give_up_at {
            return Ok(left);
        }
        sleep(POLL).await;
    }
}
