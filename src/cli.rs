//! The command line.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use actix_rt::System;
use actors::{
    domain::{ChatKey, PairHash},
    ports::{By, Ending, Store, StoreError, SystemClock},
};
use clap::{Parser, Subcommand};

use crate::{
    app::{self, StartError},
    config::{self, Settings, Wrong},
    http,
    store::{self, OpenError},
    telemetry,
};

/// A private chat between two people who share a link.
///
/// Without a command it serves, with everything on this machine: a SQLite file under data/, and
/// pages at http://127.0.0.1:8080/.
#[derive(Debug, Parser)]
#[command(name = "duet", version, max_term_width = 100)]
pub struct Cli {
    /// A settings file, in TOML. What it does not say keeps its default; DUET_SECTION__KEY in the
    /// environment overrides both.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What duet can be told to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until told to stop by Ctrl-C or SIGTERM [the default].
    Serve,
    /// Bring the store's tables up to date and exit. `serve` does so by itself.
    Migrate,
    /// Read and check all settings, say what they come to, and exit.
    CheckConfig,
    /// Print every setting with its default and what it is for, ready to be saved and edited.
    DefaultConfig,
    /// Print the API's description, OpenAPI 3.1 as JSON.
    Openapi,
    /// End a chat for both people and delete every message, by the hash in its link.
    ///
    /// It works beside a running instance, whose open pages learn of it within seconds.
    End {
        /// The secret part of the link, behind /user/.
        hash: String,
    },
}

/// Why a command failed: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] Wrong),
    /// The server could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for is not there.
    #[error("{0}")]
    Refused(String),
    /// Nothing could be printed.
    #[error("The output cannot be written: {0}.")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 2 for a wrong setting or argument, as clap has it; 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Settings(_) | Failure::Refused(_) => 2,
            _ => 1,
        }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// [`Failure`] is the sentence to print.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Some(Command::DefaultConfig) => {
            return Ok(io::stdout().write_all(config::DEFAULT.as_bytes())?);
        }
        Some(Command::Openapi) => {
            return Ok(writeln!(io::stdout(), "{}", *http::api::docs::OPENAPI)?);
        }
        _ => {}
    }
    let settings = Settings::load(cli.config.as_deref(), std::env::vars())?;
    match cli.command {
        None | Some(Command::Serve) => {
            telemetry::start_log(&settings.log);
            Ok(app::serve(settings)?)
        }
        Some(Command::Migrate) => {
            System::new().block_on(open(&settings))?;
            Ok(writeln!(
                io::stdout(),
                "{} is up to date.",
                settings.store.url
            )?)
        }
        Some(Command::CheckConfig) => {
            http::tls::check(&settings)?;
            Ok(writeln!(io::stdout(), "{}", settings.summary())?)
        }
        Some(Command::End { hash }) => end(&settings, &hash),
        Some(Command::DefaultConfig | Command::Openapi) => Ok(()),
    }
}

async fn open(settings: &Settings) -> Result<Arc<dyn Store>, OpenError> {
    let clock = Arc::new(SystemClock::default());
    store::open(&settings.store, clock, &telemetry::registry()).await
}

fn end(settings: &Settings, hash: &str) -> Result<(), Failure> {
    let hash = PairHash::parse(hash).map_err(|invalid| Failure::Refused(invalid.to_string()))?;
    let ending = System::new().block_on(async {
        let store = open(settings).await?;
        Ok::<_, Failure>(store.end(By::Server(ChatKey::of(&hash))).await?)
    })?;
    match ending {
        Ending::Ended => Ok(writeln!(
            io::stdout(),
            "The chat is over. Nothing of it can be read any more."
        )?),
        Ending::Before => Ok(writeln!(io::stdout(), "The chat was over already.")?),
        Ending::Missing | Ending::NoSession => {
            Err(Failure::Refused("There is no chat with this hash.".into()))
        }
    }
}
