//! The command line: reads the options, makes the run, prints the report, and says by the exit code how it went.

use std::{io, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use loadtest::{
    cluster::{self, ClusterError},
    flow::{self, FlowError},
    report::Report,
};

/// Drives a running chat server over its HTTP API, measures it, and checks that no message was lost, doubled, reordered
/// or altered. Works with every server that speaks the API under /chat-server.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  every message was acknowledged, and arrived once, in order and unaltered
  1  a promise was broken: something acknowledged was lost, doubled, reordered or altered
  2  the run could not be made: wrong options, or no server to talk to
  3  no promise was broken, but some messages were refused or never acknowledged";

#[derive(Debug, Subcommand)]
enum Command {
    /// Pairs talk: latency, throughput and the check of every message.
    ///
    /// Registers pairs, logs both people in, opens their streams, sends, waits until both have seen everything, reads
    /// the history, and judges. The server's limits on registrations and sends should be out of the way: what they
    /// refuse is tried again as asked (Retry-After), and counts into the latency.
    #[command(after_help = EXIT_CODES)]
    Flow {
        #[command(flatten)]
        flow: flow::Options,
        #[command(flatten)]
        output: Output,
    },

    /// A whole cluster on this machine, to look at and to try things on: PostgreSQL, Redis, two instances and HAProxy.
    ///
    /// It ends with Ctrl-C, and leaves nothing.
    Cluster {
        #[command(flatten)]
        cluster: cluster::Options,
    },
}

#[derive(Args, Debug)]
struct Output {
    /// Print the report as JSON instead of a table.
    #[arg(long)]
    json: bool,

    /// Threads of the tool itself. One is the cheapest, and enough for some ten thousand messages per second.
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Flow { flow, output } => match run(&flow, output.threads) {
            Ok(report) => finish(&report, output.json),
            Err(error) => {
                eprintln!("loadtest: {error}");
                ExitCode::from(2)
            }
        },
        Command::Cluster { cluster } => match run_cluster(&cluster) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("loadtest: {error}");
                ExitCode::from(2)
            }
        },
    }
}

fn run_cluster(options: &cluster::Options) -> Result<(), MainError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(cluster::run(options, |told| println!("{told}")))?)
}

#[derive(Debug, thiserror::Error)]
enum MainError {
    #[error("the runtime cannot start: {0}")]
    Runtime(#[from] io::Error),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Flow(#[from] FlowError),
}

fn run(options: &flow::Options, threads: usize) -> Result<Report, MainError> {
    let runtime = match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build(),
        _ => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build(),
    }?;
    // Stages go to standard error, so that standard output holds the report alone.
    Ok(runtime.block_on(flow::run(options, |stage| eprintln!("{stage} …")))?)
}

fn finish(report: &Report, json: bool) -> ExitCode {
    if json {
        println!(
            "{}",
            serde_json::to_string_pretty(report)
                .expect("numbers and strings always have a JSON form")
        );
    } else {
        println!("\n{report}");
    }
    match (report.verdict.is_clean(), report.is_complete()) {
        (false, _) => ExitCode::from(1),
        (true, false) => ExitCode::from(3),
        (true, true) => ExitCode::SUCCESS,
    }
}
