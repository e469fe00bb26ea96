//! `compare`: duet and its rivals, driven by the same commands on the same kind of fresh servers, one after the other, round
//! after round; and beside them what the parts cost by themselves.
//!
//! Every session of commands starts with a new PostgreSQL, a new Redis and new instances, so nobody inherits anything.
//! Within a round the contenders take turns session by session, so that an hour when the machine is slow is slow for all.
//! The commands are this very program, run as anybody can run it by hand.

mod cluster;
mod contender;
mod ejabberd;
mod figures;
mod floor;
mod goals;
mod machine;
mod nchan;
mod plan;
mod results;

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, Stdio},
};

use clap::Args;
use harness::servers::StartError;
use serde_json::Value;

use crate::{options::at_least_one, perf, progress::Progress, usage::UsageError};
use cluster::Cluster;
use contender::Contender;
use figures::Figures;
use plan::{Measurement, Session, Who};
pub use results::CompareReport;

/// Options of `compare`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The duet to compare.
    #[arg(long, default_value = "target/release/duet", value_name = "PROGRAM")]
    pub duet: PathBuf,

    /// A rival, as name=command: a program that speaks the API and takes PORT, DATABASE_URL and REDIS_URL. May be repeated.
    #[arg(long, value_name = "NAME=COMMAND")]
    pub peer: Vec<String>,

    /// The example server `bare`, for the floors under streams and requests; they are left out without it.
    #[arg(long, value_name = "PROGRAM")]
    pub bare: Option<PathBuf>,

    /// How often everything is measured; the medians count.
    #[arg(long, default_value_t = 5, value_parser = at_least_one, value_name = "N")]
    pub rounds: usize,

    /// One short round, for use while tuning.
    #[arg(long, conflicts_with = "rounds")]
    pub quick: bool,

    /// Only these sessions: streams, talk, idle, idle-h2c, growth, one-instance, embedded, history, floors.
    #[arg(long, value_delimiter = ',', value_name = "SESSION")]
    pub only: Vec<String>,

    /// Only these contenders: duet, ejabberd, nchan, bare, and the rivals by their names.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub who: Vec<String>,

    /// Write the table as Markdown.
    #[arg(long, value_name = "FILE.md")]
    pub results: Option<PathBuf>,
}

/// Why the comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A rival is not named as it should be.
    #[error("--peer {given}: {wrong}")]
    Peer {
        /// What was given.
        given: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// Something did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A program is not there.
    #[error("{program} cannot be run ({source}): `make compare-tools` installs it")]
    Missing {
        /// Its name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program failed.
    #[error("{command} failed: {said}")]
    Failed {
        /// Its name.
        command: String,
        /// What it said.
        said: String,
    },
    /// A file could not be read or written, or a program not be started.
    #[error("{0}")]
    Folder(io::Error),
    /// A process could not be watched.
    #[error(transparent)]
    Usage(#[from] UsageError),
}

/// Makes the comparison.
pub async fn run(options: &Options, progress: &Progress) -> Result<CompareReport, CompareError> {
    let mut contenders = vec![Contender::duet(options.duet.clone())];
    for given in &options.peer {
        let rival = Contender::rival(given).map_err(|wrong| CompareError::Peer {
            given: given.clone(),
            wrong,
        })?;
        contenders.push(rival);
    }
    let mut left_out = Vec::new();
    for packaged in Contender::packaged() {
        match packaged {
            Ok(contender) => contenders.push(contender),
            Err(missing) => {
                progress.tell(&missing);
                left_out.push(missing);
            }
        }
    }
    let bare = options.bare.clone().map(Contender::bare);
    contenders.extend(bare.clone());
    contenders.retain(|contender| options.names(contender));
    for contender in &contenders {
        if let Some(program) = contender.program()
            && let Err(source) = fs::metadata(program)
        {
            let program = program.display().to_string();
            return Err(CompareError::Missing { program, source });
        }
    }

    let rounds = if options.quick { 1 } else { options.rounds };
    let plan = plan::sessions(options.quick, perf::is_there());
    let mut figures = Figures::default();
    for round in 1..=rounds {
        for session in plan.iter().filter(|session| options.wants(session.name)) {
            if session.once && round > 1 {
                continue;
            }
            for contender in contenders.iter().filter(|one| session.who.includes(one)) {
                progress.tell(format!(
                    "round {round} of {rounds}, {}: {}",
                    session.name, contender.name
                ));
                // What one contender cannot do must not end the others' comparison; it stands in the results.
                if let Err(error) = take_turn(session, contender, &mut figures, progress) {
                    progress.tell(&error);
                    figures.fail(format!("{}, {}: {error}", contender.name, session.name));
                }
            }
        }
        if options.wants("floors") {
            progress.tell(format!("round {round} of {rounds}, floors"));
            measure_floors(options, bare.as_ref(), &mut figures, progress);
        }
    }
    let report = CompareReport::new(rounds, &contenders, left_out, &plan, figures);
    if let Some(file) = &options.results {
        fs::write(file, report.markdown()).map_err(CompareError::Folder)?;
    }
    Ok(report)
}

fn take_turn(
    session: &Session,
    contender: &Contender,
    figures: &mut Figures,
    progress: &Progress,
) -> Result<(), CompareError> {
    let cluster = contender.start(session.ground)?;
    for measurement in &session.commands {
        for _ in 0..measurement.times {
            let report = drive(measurement, &cluster)?;
            for (name, place) in measurement.figures {
                let Some(value) = report.pointer(place).and_then(Value::as_f64) else {
                    continue;
                };
                progress.tell(format!("  {name} {value:.3}"));
                figures.add(&contender.name, name, value);
            }
            figures.keep(
                &contender.name,
                (session.name, &measurement.command),
                report,
            );
        }
    }
    Ok(())
}

/// Gives one command, and takes its report.
fn drive(measurement: &Measurement, cluster: &Cluster) -> Result<Value, CompareError> {
    let tool = std::env::current_exe().map_err(CompareError::Folder)?;
    let beside = match cluster.pids_beside() {
        none if none.is_empty() => String::new(),
        pids => format!("--beside {pids} "),
    };
    let command = measurement
        .command
        .replace("--beside $BESIDE ", &beside)
        .replace("$ALL_PIDS", &cluster.all_pids())
        .replace("$PIDS", &cluster.pids())
        .replace("$API", &cluster.api());
    let done = Command::new(tool)
        .args(command.split(' '))
        .arg("--json")
        .stdin(Stdio::null())
        .output()
        .map_err(CompareError::Folder)?;
    // An incomplete run (exit code 3) has figures as well, and its report says what is missing.
    let report = serde_json::from_slice(&done.stdout).ok();
    match (report, done.status.code()) {
        (Some(report), Some(0 | 3)) => Ok(report),
        (Some(report), _) => Err(CompareError::Failed {
            command: measurement.command.clone(),
            said: format!("a promise was broken: {}", report["verdict"]),
        }),
        (None, _) => Err(CompareError::Failed {
            command: measurement.command.clone(),
            said: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
        }),
    }
}

fn measure_floors(
    options: &Options,
    bare: Option<&Contender>,
    figures: &mut Figures,
    progress: &Progress,
) {
    let seconds = if options.quick { 2 } else { 5 };
    let mut floors = vec![
        floor::postgres(seconds),
        floor::redis(),
        floor::start(&options.duet),
    ];
    floors.extend(bare.map(|bare| floor::actix(bare, seconds)));
    for floor in floors {
        match floor {
            Ok(values) => {
                for (name, value) in values {
                    progress.tell(format!("  {name} {value:.3}"));
                    figures.add("floor", name, value);
                }
            }
            Err(error) => {
                progress.tell(&error);
                figures.fail(format!("floors: {error}"));
            }
        }
    }
}

impl Options {
    fn names(&self, contender: &Contender) -> bool {
        self.who.is_empty() || self.who.contains(&contender.name)
    }

    fn wants(&self, session: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == session)
    }
}

impl Who {
    fn includes(self, contender: &Contender) -> bool {
        match self {
            Self::Api => contender.is_duet() || contender.is_rival(),
            Self::Rivals => contender.is_rival(),
            Self::Duet => contender.is_duet(),
            Self::DuetAndBare => contender.is_duet() || contender.is_bare(),
            Self::Packaged => contender.is_packaged(),
            Self::Nchan => contender.is_nchan(),
        }
    }
}
