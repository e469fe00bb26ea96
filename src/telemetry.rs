//! The log and the metrics.

mod json;
mod process;
mod usage;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, Write},
    panic,
    sync::OnceLock,
};

use tracing::{Level, Metadata, enabled, error, field::display, subscriber::with_default};
use tracing_subscriber::{
    EnvFilter, Layer, Registry as Subscriber, filter::filter_fn, fmt, layer::SubscriberExt,
    registry::LookupSpan, reload, util::SubscriberInitExt,
};

use crate::config::{Log, LogFormat};

pub use process::describe;

/// Set once logging has started.
static STARTED: OnceLock<LogFormat> = OnceLock::new();

/// Changes the log filter at run time.
#[derive(Clone)]
pub struct LogControl(reload::Handle<EnvFilter, Subscriber>);

impl LogControl {
    /// Replaces the filter.
    pub fn set_filter(&self, filter: &str) {
        if let Err(error) = self.0.reload(parsed(filter)) {
            error!(%error, "the log filter cannot be changed");
        }
    }
}

/// Starts logging to standard error. A closed pipe there is not an error.
pub fn start_log(log: &Log) -> LogControl {
    let (filter, handle) = reload::Layer::new(parsed(&log.filter));
    let layer = match log.format {
        LogFormat::Text => fmt::layer()
            .with_writer(io::stderr)
            .log_internal_errors(false)
            .with_ansi(false)
            .boxed(),
        LogFormat::Json => json_lines().boxed(),
    };
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(holds_no_secret))
        .with(layer);
    if subscriber.try_init().is_ok() {
        let _ = STARTED.set(log.format);
        log_panics();
    }
    LogControl(handle)
}

/// Whether an event may be logged whatever the filter says. When debugging, `tokio_postgres` logs the parameters of
/// statements, which are texts and names, and `actix_web` the path of a request that it cannot read, with a link's hash.
fn holds_no_secret(event: &Metadata<'_>) -> bool {
    let tells_all = ["tokio_postgres", "actix_web"];
    let tells_all = tells_all
        .iter()
        .any(|target| event.target().starts_with(target));
    *event.level() <= Level::INFO || !tells_all
}

fn json_lines<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + 'static,
{
    fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .fmt_fields(fmt::format::JsonFields::new())
        .event_format(json::JsonLines)
}

/// Logs panics with the id of the request; the standard library's lines lack it. With `RUST_BACKTRACE` set, a
/// backtrace is included.
fn log_panics() {
    let unlogged = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !enabled!(Level::ERROR) {
            return unlogged(panic);
        }
        let place = panic.location().map(ToString::to_string);
        let what = panic.payload_as_str().unwrap_or("a panic");
        let trace = Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| display(trace));
        error!(place, backtrace = trace, "panicked: {what}");
    }));
}

/// The filter in the settings. Migrations are logged by the code that runs them.
fn parsed(filter: &str) -> EnvFilter {
    let quiet = "refinery_core=off".parse().expect("it is a directive");
    EnvFilter::new(filter).add_directive(quiet)
}

/// Reports why the process ends: as a log line if the log is JSON, otherwise as plain text.
pub fn report_fatal(failure: &dyn std::fmt::Display) {
    match STARTED.get() {
        Some(LogFormat::Json) => {
            // `log.filter` may hide errors, and nothing else says why the process ends.
            let unfiltered = tracing_subscriber::registry().with(json_lines());
            with_default(unfiltered, || error!("{failure}"));
        }
        // Standard error may be closed.
        _ => drop(writeln!(io::stderr(), "duet: {failure}")),
    }
}
