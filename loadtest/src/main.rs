//! The command line: reads the options, makes the run, prints the report, and says by the exit code how it went.

use std::{
    error::Error,
    fmt::Display,
    fs::{self, File},
    future::pending,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use loadtest::{
    beats, churn, cluster, flow, heal, history, idle, limits,
    progress::Progress,
    ramp,
    report::{Outcome, Report},
    rivals::compare,
    storm, torture,
};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

/// Drives a running chat server over its HTTP API, measures it, and checks that no message was lost, duplicated,
/// reordered or altered. Works with every server that implements the API under /chat-server.
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
  3  no promise was broken, but messages were refused or never acknowledged, streams lost, or no rate was held";

#[derive(Debug, Subcommand)]
enum Command {
    /// Pairs talk: latency, throughput and the check of every message.
    ///
    /// Registers pairs, logs both people in, opens their streams, sends, waits until both have seen everything, reads
    /// the history, and checks it. Raise the server's limits on registrations and sends: what they refuse is retried
    /// after Retry-After, which counts into the latency.
    #[command(after_help = EXIT_CODES)]
    Flow {
        #[command(flatten)]
        flow: flow::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Idle streams: memory and CPU of each, and how long opening them takes.
    #[command(after_help = EXIT_CODES)]
    Idle {
        #[command(flatten)]
        idle: idle::Options,
        #[command(flatten)]
        output: Output,
    },

    /// All streams are lost and reopened at once: how long until everyone has what was missed.
    #[command(after_help = EXIT_CODES)]
    Storm {
        #[command(flatten)]
        storm: storm::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Pages of a long chat: the last one against the first.
    #[command(after_help = EXIT_CODES)]
    History {
        #[command(flatten)]
        history: history::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Compares duet and its rivals, driven by the same commands on fresh servers (needs PostgreSQL and Redis
    /// installed).
    #[command(after_help = EXIT_CODES)]
    Compare {
        #[command(flatten)]
        compare: compare::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Raises the rate until delivery is too late, and reports the highest sustained rate.
    #[command(after_help = EXIT_CODES)]
    Ramp {
        #[command(flatten)]
        ramp: ramp::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Registers chats, sends ten messages in each and ends them, over and over; checks that nothing of an ended chat
    /// can be read.
    #[command(after_help = EXIT_CODES)]
    Churn {
        #[command(flatten)]
        churn: churn::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Injects faults into a private cluster while pairs talk.
    ///
    /// Starts PostgreSQL, Redis and instances of duet, kills, stops and disconnects them in an order drawn from a
    /// seed, and checks every message as `flow` does. At the end all chats are ended, and nothing of them may be left.
    #[command(after_help = EXIT_CODES)]
    Torture {
        #[command(flatten)]
        torture: torture::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Measures how long a message takes whose notice was lost, if no further message is sent.
    ///
    /// Starts PostgreSQL, Redis and two instances of duet. In every chat both streams are open, at different instances.
    /// Each try loses notices of messages and measures when the other person's streams show them: from the moment Redis
    /// answers again, from the acknowledgement if a subscription is deaf, or from the expiry of the lease of an
    /// instance that died before it could publish.
    #[command(after_help = EXIT_CODES)]
    Heal {
        #[command(flatten)]
        heal: heal::Options,
        #[command(flatten)]
        output: Output,
    },

    /// What many instances' knowledge of each other costs, and how soon they notice a death.
    ///
    /// Starts a Redis and the bus adapters of that many instances, measures their cost while nobody talks, and kills one
    /// of them, several times. They are not whole servers, so that hundreds fit on one machine.
    #[command(after_help = EXIT_CODES)]
    Beats {
        #[command(flatten)]
        beats: beats::Options,
        #[command(flatten)]
        output: Output,
    },

    /// Starts a cluster on this machine to try: PostgreSQL, Redis, two instances and HAProxy.
    ///
    /// Ctrl-C stops and removes it.
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

    /// Write the report as one self-contained page with plots.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// Threads of the tool itself. One is cheapest, and enough for some ten thousand messages per second.
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
}

impl Output {
    /// A run that starts and kills servers blocks for moments, while streams and fault proxies must go on.
    fn with_servers(self) -> Self {
        Self {
            threads: self.threads.max(2),
            ..self
        }
    }
}

fn main() -> ExitCode {
    let progress = Progress::shown();
    let cli = Cli::from_arg_matches(&words().get_matches()).unwrap_or_else(|error| error.exit());
    match cli.command {
        Command::Flow { flow, output } => command(&output, flow::run(&flow, &progress)),
        Command::Idle { idle, output } => command(&output, idle::run(&idle, &progress)),
        Command::Storm { storm, output } => command(&output, storm::run(&storm, &progress)),
        Command::History { history, output } => command(&output, history::run(&history, &progress)),
        Command::Compare { compare, output } => command(&output, compare::run(&compare, &progress)),
        Command::Ramp { ramp, output } => command(&output, ramp::run(&ramp, &progress)),
        Command::Churn { churn, output } => command(&output, churn::run(&churn, &progress)),
        Command::Torture { torture, output } => {
            command(&output.with_servers(), torture::run(&torture, &progress))
        }
        Command::Heal { heal, output } => {
            command(&output.with_servers(), heal::run(&heal, &progress))
        }
        Command::Beats { beats, output } => command(&output, beats::run(&beats, &progress)),
        Command::Cluster { cluster } => {
            match started(1, cluster::run(&cluster, |told| println!("{told}"))) {
                Ok(()) => ExitCode::SUCCESS,
                Err(refusal) => refusal,
            }
        }
    }
}

/// The command line. A number below 0 is refused for what it is, and not taken for an option.
fn words() -> clap::Command {
    let takes_values = |arg: &Arg| arg.get_action().takes_values();
    Cli::command().mut_subcommands(move |command| {
        command.mut_args(|arg| match takes_values(&arg) {
            true => arg.allow_negative_numbers(true),
            false => arg,
        })
    })
}

/// Makes a run, and tells its report as the options ask.
fn command<R: Report, E: Error>(
    output: &Output,
    run: impl Future<Output = Result<R, E>>,
) -> ExitCode {
    // Every stream is an open file.
    if let Err(error) = limits::raise_open_files() {
        eprintln!("loadtest: the limit of open files cannot be raised: {error}");
    }
    // Before the run, which may take an hour. What it holds stays until there is something else.
    let unwritten =
        |file: &Path, error| cannot(&format!("{} cannot be written: {error}", file.display()));
    if let Some(file) = &output.report
        && let Err(error) = File::options().create(true).append(true).open(file)
    {
        return unwritten(file, error);
    }
    let report = match started(output.threads, run) {
        Ok(report) => report,
        Err(refusal) => return refusal,
    };
    let text = match output.json {
        true => serde_json::to_string_pretty(&report)
            .expect("numbers and strings always have a JSON form"),
        false => format!("\n{report}"),
    };
    // Whoever reads it may have stopped to.
    let _ = writeln!(io::stdout(), "{text}");
    if let Some(file) = &output.report
        && let Err(error) = fs::write(file, report.page().html())
    {
        return unwritten(file, error);
    }
    match report.outcome() {
        Outcome::Kept => ExitCode::SUCCESS,
        Outcome::Broken => ExitCode::from(1),
        Outcome::Incomplete => ExitCode::from(3),
    }
}

/// Runs on so many threads, and says what kept it from being done.
fn started<T, E: Error>(
    threads: usize,
    run: impl Future<Output = Result<T, E>>,
) -> Result<T, ExitCode> {
    let runtime = match threads {
        0 | 1 => Builder::new_current_thread().enable_all().build(),
        threads => Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build(),
    };
    let runtime = runtime.map_err(|error| cannot(&format!("the runtime cannot start: {error}")))?;
    runtime.block_on(async {
        // Dropped with the servers that it has started, which would go on otherwise. A run that hears the signal itself
        // says how it ended.
        tokio::select! {
            biased;
            done = run => done.map_err(|error| cannot(&error)),
            code = told_to_stop() => Err(ExitCode::from(code)),
        }
    })
}

/// Resolves at Ctrl-C or SIGTERM, with the exit code that a shell gives to whoever dies of it.
async fn told_to_stop() -> u8 {
    let listening = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let (Ok(mut interrupt), Ok(mut terminate)) = listening else {
        return pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}

fn cannot(why: &impl Display) -> ExitCode {
    eprintln!("loadtest: {why}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options behind each mention of this program, also by `make torture ARGS="…"`.
    fn shown(text: &str) -> Vec<String> {
        let joined = text.replace("\\\n", " ");
        let mut found = Vec::new();
        for line in joined.lines() {
            for call in ["target/release/loadtest ", "-p loadtest -- "] {
                let rest = line.split_once(call).map(|(_, rest)| rest);
                let options = rest.and_then(|rest| rest.split(['`', '&', '|']).next());
                found.extend(options.map(str::to_owned));
            }
            if let Some((_, rest)) = line.split_once("make torture ARGS=\"") {
                let options = rest.split('"').next().unwrap_or_default();
                found.push(format!("torture {options}"));
            }
        }
        found
    }

    #[test]
    fn every_command_of_the_documents_is_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let docs = fs::read_dir(root.join("docs")).unwrap();
        let docs = docs.map(|entry| entry.unwrap().path());
        let others = ["README.md", "CONTRIBUTING.md", "migrations/README.md"];
        let files = docs.chain(others.map(|name| root.join(name)));
        let mut commands = Vec::new();
        for file in files.filter(|file| file.extension().is_some_and(|kind| kind == "md")) {
            commands.extend(shown(&fs::read_to_string(file).unwrap()));
        }
        assert!(commands.len() > 5, "{commands:?}");
        for command in commands {
            let words = ["loadtest"].into_iter().chain(command.split_whitespace());
            if let Err(wrong) = Cli::try_parse_from(words) {
                panic!("{command}: {wrong}");
            }
        }
    }
}
