//! Metrics about the process: its version, its limits, its resource usage.

use actors::metrics::register;
use prometheus::{Gauge, IntGaugeVec, Opts, Registry};

use super::usage;
use crate::{
    app::{COMMIT, VERSION},
    config::Settings,
    shutdown,
};

/// Registers them. Alert rules compare with the limits instead of repeating their numbers.
///
/// # Panics
/// When one of the names is registered already, which is a bug of the caller.
pub fn describe(registry: &Registry, settings: &Settings) {
    let build = Opts::new(
        "duet_build_info",
        "The version of the program and the commit it was built from; always 1.",
    );
    let build = register(registry, IntGaugeVec::new(build, &["version", "commit"]));
    build.with_label_values(&[VERSION, COMMIT]).set(1);

    let limits = Opts::new(
        "duet_limit",
        "The limits in force, by their names in [limits].",
    );
    let limits = register(registry, IntGaugeVec::new(limits, &["limit"]));
    for (name, value) in settings.limits.numbers() {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        limits.with_label_values(&[name.as_str()]).set(value);
    }

    usage::register(registry);

    let drain = "How long stopping may take, in seconds.";
    let drain = register(registry, Gauge::new("duet_drain_limit_seconds", drain));
    drain.set(shutdown::longest(&settings.server).as_secs_f64());
}
