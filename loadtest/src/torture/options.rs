//! What a run of `torture` is told to do; the field comments are the command line's help.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use harness::faults::Fault;

use crate::options::{at_least_one, rate, seconds};

/// Options of `torture`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The program under test. Without it, the `duet` that lies beside this tool.
    #[arg(long, value_name = "PATH")]
    pub duet: Option<PathBuf>,

    /// Draws the schedule: the same seed gives the same one. Without it, a fresh one is drawn and told.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How many seconds of rounds, the last one not cut short.
    #[arg(long, default_value = "120", value_parser = seconds, value_name = "S")]
    pub duration: Duration,

    /// How many instances.
    #[arg(long, default_value_t = 2, value_parser = at_least_one, value_name = "N")]
    pub instances: usize,

    /// How many PostgreSQL servers share the chats. Faults of PostgreSQL happen to the first of them.
    #[arg(long, default_value_t = 1, value_parser = at_least_one, value_name = "N")]
    pub postgres_servers: usize,

    /// How many pairs talk, each person with a stream open.
    #[arg(long, default_value_t = 20, value_parser = at_least_one, value_name = "N")]
    pub pairs: usize,

    /// Messages per second over all pairs.
    #[arg(long, default_value_t = 100.0, value_parser = rate, value_name = "R")]
    pub rate: f64,

    /// The faults to draw from, separated by commas; all of them unless some are named.
    #[arg(long, value_delimiter = ',', value_name = "FAULT")]
    pub faults: Vec<Fault>,

    /// How many seconds the last instance's clock is ahead of the others'. 0 leaves it as it is.
    #[arg(long, default_value = "600", value_parser = seconds, value_name = "S")]
    pub clocks_apart: Duration,

    /// How long it may take until both people have seen everything, in seconds, before it counts as lost.
    #[arg(long, default_value = "60", value_parser = seconds, value_name = "S")]
    pub tail: Duration,
}

impl Options {
    pub(super) fn faults(&self) -> &[Fault] {
        match &self.faults[..] {
            [] => Fault::value_variants(),
            some => some,
        }
    }
}
