//! What a run came to: a table for people, or JSON for programs.

use std::fmt;

use serde::Serialize;

use crate::{
    checker::Verdict,
    flow::{Load, Options},
    meter::{Counts, Latency, Meter},
};

/// The report of a `flow` run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where the servers are.
    pub api: Vec<String>,
    /// How many pairs talked.
    pub pairs: usize,
    /// Size of each text in bytes.
    pub text_bytes: usize,
    /// Messages per second of the timetable, in the open loop.
    pub rate: Option<f64>,
    /// Senders, in the closed loop.
    pub concurrency: Option<usize>,
    /// What became of the sends and streams.
    #[serde(flatten)]
    pub counts: Counts,
    /// From when a message was due until its sender knew that it is stored.
    pub acknowledgement: Latency,
    /// From when a message was due until the other person's stream showed it.
    pub delivery: Latency,
    /// Processor seconds the tool itself used while sending.
    pub tool_cpu_seconds: f64,
    /// What the checker found.
    pub verdict: Verdict,
}

impl Report {
    pub(crate) fn new(
        options: &Options,
        meter: &Meter,
        tool_cpu_seconds: f64,
        verdict: Verdict,
    ) -> Self {
        let (rate, concurrency) = match options.load() {
            Load::Open { rate } => (Some(rate), None),
            Load::Closed { concurrency } => (None, Some(concurrency)),
        };
        Self {
            api: options.api.clone(),
            pairs: options.pairs,
            text_bytes: options.text_bytes,
            rate,
            concurrency,
            counts: meter.counts(),
            acknowledgement: meter.acknowledgement_latency(),
            delivery: meter.delivery_latency(),
            tool_cpu_seconds,
            verdict,
        }
    }

    /// Whether every send was acknowledged.
    pub fn is_complete(&self) -> bool {
        self.counts.unanswered + self.counts.refused == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = match (self.rate, self.concurrency) {
            (Some(rate), _) => Load::Open { rate },
            (None, concurrency) => Load::Closed {
                concurrency: concurrency.unwrap_or(0),
            },
        };
        writeln!(
            f,
            "{} pairs, {load}, texts of {} bytes",
            self.pairs, self.text_bytes
        )?;
        writeln!(f, "at {}\n", self.api.join(", "))?;
        writeln!(
            f,
            "{:<16}{:>10}{:>11}{:>44}",
            "", "messages", "per second", "latency in ms"
        )?;
        writeln!(
            f,
            "{:<37}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "", "p50", "p95", "p99", "p99.9", "max"
        )?;
        row(f, "acknowledgement", &self.acknowledgement)?;
        row(f, "delivery", &self.delivery)?;
        let Counts {
            sent,
            unanswered,
            refused,
            stream_reconnects,
            errors,
        } = &self.counts;
        writeln!(
            f,
            "\nsent {sent}, unanswered {unanswered}, refused {refused}, streams reconnected {stream_reconnects}"
        )?;
        if !errors.is_empty() {
            let errors: Vec<_> = errors
                .iter()
                .map(|(label, count)| format!("{label} × {count}"))
                .collect();
            writeln!(f, "failed attempts: {}", errors.join(", "))?;
        }
        writeln!(
            f,
            "the tool itself used {:.2} CPU seconds while sending\n",
            self.tool_cpu_seconds
        )?;
        let outcome = if self.verdict.is_clean() {
            "intact"
        } else {
            "BROKEN"
        };
        write!(f, "{outcome}: {}", self.verdict)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, latency: &Latency) -> fmt::Result {
    let Latency {
        count,
        per_second,
        p50_ms,
        p95_ms,
        p99_ms,
        p999_ms,
        max_ms,
    } = latency;
    writeln!(
        f,
        "{name:<16}{count:>10}{per_second:>11.1}{p50_ms:>9.2}{p95_ms:>9.2}{p99_ms:>9.2}{p999_ms:>9.2}{max_ms:>9.2}"
    )
}
