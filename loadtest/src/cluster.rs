//! `cluster`: a whole cluster on this machine, to look at and to try things on.

use std::{io, path::PathBuf};

use clap::{Args, value_parser};
use harness::servers::{Kind, Shape, Site, StartError, program, require_free};
use tokio::signal::unix::{SignalKind, signal};

use crate::options::at_least_one;

/// Options of `cluster`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The program to start. Without it, the `duet` that lies beside this tool.
    #[arg(long, value_name = "PATH")]
    pub duet: Option<PathBuf>,

    /// Where people reach it on this machine.
    #[arg(long, default_value_t = 8080, value_parser = value_parser!(u16).range(1..), value_name = "PORT")]
    pub port: u16,

    /// How many PostgreSQL servers share the chats.
    #[arg(long, default_value_t = 1, value_parser = at_least_one, value_name = "N")]
    pub postgres_servers: usize,
}

/// Why it did not run.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Something could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system refused something.
    #[error("the cluster cannot run: {0}")]
    Io(#[from] io::Error),
}

/// Starts everything and serves until Ctrl-C; `say` is told what there is.
///
/// # Errors
/// [`ClusterError`] says what is missing or in the way.
pub async fn run(options: &Options, say: impl Fn(&str)) -> Result<(), ClusterError> {
    // Listened to from the beginning, so that whatever was started is taken away again.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (program, port) = (program(options.duet.clone())?, options.port);
    require_free(port)?;
    say("starting PostgreSQL, Redis, two instances and HAProxy");
    let shape = (Kind::Haproxy, Shape::Alike);
    let postgres_servers = options.postgres_servers;
    let starting = move || Site::start(&program, postgres_servers, shape, port, None, &[]);
    let site = tokio::task::spawn_blocking(starting)
        .await
        .expect("starting a server does not panic")?;
    say(&format!(
        "The cluster is running at http://localhost:{port}/"
    ));
    for instance in &site.instances {
        say(&format!("An instance of it is at {}/", instance.url()));
    }
    say("Press Ctrl-C to stop it. Nothing of it stays.");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
