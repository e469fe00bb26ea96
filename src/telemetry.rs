//! The log and the metrics.

use prometheus::Registry;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging to standard error, once per process.
pub fn start_log(log: &Log) {
    let filter = EnvFilter::new(&log.filter);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::warn!("the log was started before; log.filter and log.format do not apply");
    }
}

/// The registry that every module registers its own metrics on.
pub fn registry() -> Registry {
    Registry::new()
}
