//! What a run of `churn` is told to do; the field comments are the command line's help.

use std::time::Duration;

use clap::Args;

use crate::options::{Servers, at_least_one, rate, seconds, some_seconds};

/// Options of `churn`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to.
    #[command(flatten)]
    pub servers: Servers,

    /// Chats at one moment.
    #[arg(long, default_value_t = 8, value_parser = at_least_one, value_name = "C")]
    pub concurrency: usize,

    /// Begin so many chats per second at most.
    #[arg(long, value_parser = rate, value_name = "R")]
    pub rate: Option<f64>,

    /// How many seconds chats begin; those under way are brought to their end.
    #[arg(long, default_value = "60", value_parser = some_seconds, value_name = "S")]
    pub duration: Duration,

    /// How long one call is tried again, and how long streams may take to show everything and then to end, in seconds.
    #[arg(long, default_value = "60", value_parser = seconds, value_name = "S")]
    pub patience: Duration,
}
