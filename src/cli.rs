//! The command line.

mod offline;

use std::{
    env, fmt,
    io::{self, BufRead, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use ::config::Config;
use actix_rt::System;
use actors::{
    domain::{ChatKey, Invalid, PairHash},
    ports::{Denied, Principal, Store, StoreError, SystemClock},
};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use prometheus::Registry;
use zeroize::Zeroizing;

use crate::{
    app::{self, StartError},
    config::{self, ConfigError, Settings, Sources, StoreUrl},
    http,
    reload::Reload,
    store::{self, OpenError, examine::is_made},
    telemetry,
    words::counted,
};

mod doctor;
mod health;
mod shards;

/// The variable that names the settings file.
const CONFIG: &str = "DUET_CONFIG";
/// More than any link has.
const LINK_LEN_MAX: u64 = 4_096;

/// A private chat between two people who share a link.
///
/// Without a command it serves on this machine: pages at http://127.0.0.1:8080/, chats in a SQLite
/// file under data/.
#[derive(Debug, Parser)]
#[command(name = "duet", version = app::LONG_VERSION, max_term_width = 100)]
pub struct Cli {
    /// A settings file, in TOML. It overrides the defaults; DUET_SECTION__KEY in the environment
    /// overrides both.
    #[arg(long, global = true, value_name = "FILE", env = CONFIG)]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Reads the arguments; if they are wrong, prints why and exits. An empty variable names no settings file.
    pub fn read() -> Self {
        let mut command = Self::command();
        if env::var_os(CONFIG).is_some_and(|file| file.is_empty()) {
            command = command.mut_arg("config", |file| file.env(None::<&str>));
        }
        let matches = command.get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until Ctrl-C or SIGTERM [the default].
    Serve,
    /// Run database migrations and exit. `serve` does so by itself.
    Migrate,
    /// Validate all settings, summarise them, and exit.
    CheckConfig {
        /// Print every setting in force and where it comes from, without passwords.
        #[arg(long)]
        print: bool,
    },
    /// Connect to everything the settings name, and report versions, rights, clocks, latencies, and
    /// whether other instances are heard.
    ///
    /// It changes no table. Exits with 1 if duet would not work.
    Doctor,
    /// Check whether a running instance is ready; exit with 0 if it is.
    ///
    /// For containers without curl. Checks the instance that has the same settings.
    Health {
        /// Check only whether the process runs.
        #[arg(long)]
        live: bool,
    },
    /// Print every setting with its default and an explanation, as a file to edit.
    DefaultConfig,
    /// Print the API's OpenAPI 3.1 description as JSON.
    Openapi,
    /// Decrypt a downloaded conversation offline.
    ///
    /// Messages that do not open, are missing or were moved are marked in place, and the exit code is 1.
    Decrypt {
        /// The whole link, including what follows the #; - reads it from standard input, so that it
        /// is not in the process list.
        link: String,
        /// The sealed conversation: what /demo/chat/user/{hash}/{seat}/download?format=json answers. What
        /// a page itself downloads is opened already.
        file: PathBuf,
        /// Write JSON rather than text.
        #[arg(long)]
        json: bool,
    },
    /// List the files that pages load with their SHA-256 digests, to compare a server's files with
    /// this release.
    Assets,
    /// End a chat for both people and delete every message, by the hash in its link.
    ///
    /// Works while instances run; open pages learn of it within seconds.
    End {
        /// The link, or its secret part after /user/. If missing or "-", it is read from standard
        /// input, so that other users of this machine cannot see it.
        link: Option<String>,
    },
    /// Show the PostgreSQL servers that share the chats: which take new ones, and how much is on each.
    ///
    /// For store.urls. It counts rows, which takes a while on large tables.
    Shards {
        /// What to change.
        #[command(subcommand)]
        change: Option<shards::Change>,
    },
    /// Copy a SQLite store into a new file while the server runs.
    ///
    /// The file gets its name only once it is complete and checked. For PostgreSQL use pg_dump.
    Backup {
        /// The new file.
        file: PathBuf,
    },
    /// Restore a backup of a SQLite store.
    ///
    /// First stop duet and move the old database away.
    Restore {
        /// A file made by `duet backup`.
        file: PathBuf,
    },
}

/// Why a command failed: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The server could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the command names does not exist, or is invalid.
    #[error("{0}")]
    Refused(String),
    /// The command failed, or found a problem.
    #[error("{0}")]
    Failed(String),
    /// Nothing could be printed.
    #[error("The output cannot be written: {0}.")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 2 for a wrong setting or argument, as clap does; 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Settings(_)
            | Failure::Start(StartError::Settings(_))
            | Failure::Refused(_) => 2,
            _ => 1,
        }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// [`Failure`] is the sentence to print.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let settings = || load(cli.config.as_deref()).map(|(settings, ..)| settings);
    match cli.command.unwrap_or(Command::Serve) {
        Command::DefaultConfig => Ok(io::stdout().write_all(config::DEFAULT.as_bytes())?),
        Command::Openapi => print_line(format_args!("{}", *http::api::docs::OPENAPI)),
        Command::Decrypt { link, file, json } => offline::decrypt(link, &file, json),
        Command::Assets => Ok(offline::assets(io::stdout().lock())?),
        Command::Serve => {
            let settings = settings()?;
            let log = telemetry::start_log(&settings.log);
            let reload = Reload::new(cli.config, log, &settings);
            Ok(app::serve(settings, reload)?)
        }
        Command::Migrate => {
            let settings = settings()?;
            telemetry::start_log(&settings.log);
            settings.check_authorities_of_store()?;
            System::new().block_on(store::migrate(&settings))?;
            print_line(format_args!("{} is up to date.", settings.store.url))
        }
        Command::CheckConfig { print } => {
            let (settings, raw, sources) = load(cli.config.as_deref())?;
            settings.check_authorities()?;
            http::tls::acceptor(&settings)?;
            for hint in &settings.hints {
                writeln!(io::stderr(), "duet: {hint}.")?;
            }
            match print {
                true => print_line(format_args!("{}", config::print(&raw, &sources).trim_end())),
                false => print_line(format_args!("{}", settings.summary())),
            }
        }
        Command::Doctor => {
            let (found, works) = System::new().block_on(doctor::run(&settings()?));
            write!(io::stdout(), "{found}")?;
            match works {
                true => Ok(()),
                false => Err(Failure::Failed(
                    "Something is wrong that keeps duet from working; see the lines that begin with FAIL."
                        .into(),
                )),
            }
        }
        Command::Health { live } => {
            let path = match live {
                true => "/health/live",
                false => "/health/ready",
            };
            let answer = health::ask(&settings()?, path);
            answer.map(drop).map_err(Failure::Failed)
        }
        Command::End { link } => end(&settings()?, link),
        Command::Shards { change } => shards::run(&settings()?, change),
        Command::Backup { file } => {
            let chats = store::backup(sqlite_of(&settings()?, "backup")?, &file)?;
            print_line(format_args!("{}", describe_kept(chats, &file)))
        }
        Command::Restore { file } => {
            let settings = settings()?;
            let database = sqlite_of(&settings, "restore")?;
            let chats = store::restore(&file, database)?;
            print_line(format_args!("{}", describe_kept(chats, database)))
        }
    }
}

/// The settings, each value as it was written, and where that was. An error is logged in the format that they name.
fn load(file: Option<&Path>) -> Result<(Settings, Config, Sources), ConfigError> {
    let environment = config::environment();
    let loaded = environment
        .clone()
        .and_then(|environment| Settings::load_with_sources(file, environment));
    loaded.inspect_err(|_| {
        telemetry::start_log(&config::Log {
            filter: "info".into(),
            format: config::log_format(file, environment.unwrap_or_default()),
        });
    })
}

fn describe_kept(chats: u64, file: &Path) -> String {
    let are = if chats == 1 { "is" } else { "are" };
    format!("{} {are} in {}.", counted(chats, "chat"), file.display())
}

fn print_line(sentence: fmt::Arguments<'_>) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{sentence}")?)
}

async fn open(settings: &Settings) -> Result<Arc<dyn Store>, OpenError> {
    let clock = Arc::new(SystemClock);
    store::open(settings, clock, &Registry::new()).await
}

/// The file that the chats are in.
fn sqlite_of<'a>(settings: &'a Settings, command: &str) -> Result<&'a Path, Failure> {
    match &settings.store.url {
        StoreUrl::Sqlite(path) => Ok(path),
        StoreUrl::Postgres(_) | StoreUrl::Shards(_) => Err(Failure::Refused(format!(
            "duet {command} is for SQLite. PostgreSQL has pg_dump and pg_restore for that."
        ))),
    }
}

fn end(settings: &Settings, link: Option<String>) -> Result<(), Failure> {
    settings.check_authorities_of_store()?;
    let link = match link.filter(|link| link != "-") {
        Some(link) => Zeroizing::new(link),
        None => link_from_stdin()?,
    };
    if link.trim().is_empty() {
        return Err(Failure::Refused(
            "No link came by standard input. It is read from there, as in `duet end <link.txt`."
                .into(),
        ));
    }
    let hash = hash_in(&link).map_err(|invalid| Failure::Refused(invalid.to_string()))?;
    let ending = System::new().block_on(async {
        require_made(&settings.store.url, "end").await?;
        let store = open(settings).await?;
        let ending = store.end(Principal::Server(ChatKey::of(&hash))).await;
        store.close().await;
        Ok::<_, Failure>(ending?)
    })?;
    match ending {
        Ok(()) => print_line(format_args!(
            "The chat is over. Nothing of it can be read any more."
        )),
        Err(Denied::Ended) => print_line(format_args!("The chat was over already.")),
        Err(Denied::Missing | Denied::NoSession) => {
            Err(Failure::Refused("There is no chat with this link.".into()))
        }
    }
}

/// Refuses to create a store: this command needs an existing one.
async fn require_made(url: &StoreUrl, command: &str) -> Result<(), Failure> {
    let (what, place) = match url {
        _ if is_made(url).await? => return Ok(()),
        StoreUrl::Sqlite(_) => ("is no file", " in the folder that duet is started in, and"),
        StoreUrl::Postgres(_) | StoreUrl::Shards(_) => ("are no tables of duet in", ""),
    };
    Err(Failure::Refused(format!(
        "There {what} {url}. Run `duet {command}`{place} with the settings that duet is started with."
    )))
}

/// The first line that is not blank: on a terminal there is no end of input.
fn link_from_stdin() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut input = io::stdin().lock().take(LINK_LEN_MAX);
    if io::stdin().is_terminal() {
        writeln!(io::stderr(), "Paste the link, and press Enter.")?;
    }
    let unreadable = |error| Failure::Failed(format!("Standard input cannot be read: {error}."));
    while bytes.trim_ascii().is_empty()
        && input.read_until(b'\n', &mut bytes).map_err(unreadable)? > 0
    {}
    match str::from_utf8(&bytes) {
        Ok(link) => Ok(Zeroizing::new(link.to_owned())),
        Err(_) => Err(Failure::Refused(
            "What came by standard input is no link: it is not text in UTF-8.".into(),
        )),
    }
}

/// The secret part of a link, which may be given alone.
fn hash_in(link: &str) -> Result<PairHash, Invalid> {
    let path = link.trim().split(['?', '#']).next().unwrap_or_default();
    let behind = path.rsplit_once("/user/").map_or(path, |(_, rest)| rest);
    PairHash::parse(behind.split('/').next().unwrap_or_default())
}
