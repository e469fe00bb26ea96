//! What a `flow` run came to.

use std::fmt;

use harness::checker::Verdict;
use serde::Serialize;

use super::{Load, Options, Used};
use crate::{
    meter::{Counts, Latency, Measured, Meter},
    page::Page,
    plot::{self, Line, Mark},
    report::{Outcome, Report},
    watch::ServerUsage,
};

/// The report of a `flow` run.
#[derive(Clone, Debug, Serialize)]
pub struct FlowReport {
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
    pub acknowledgement: Measured,
    /// From when a message was due until the other person's stream showed it.
    pub delivery: Measured,
    /// Processor seconds the tool itself used while sending.
    pub tool_cpu_seconds: f64,
    /// What the servers used while sending, where their processes were named.
    pub servers: Option<ServerUsage>,
    /// Processor time of these for each message, in microseconds.
    pub server_cpu_us_per_message: Option<f64>,
    /// What the processes used that the servers stand on, where they were named.
    pub beside: Option<ServerUsage>,
    /// Processor time of all these processes for each message, in microseconds.
    pub all_cpu_us_per_message: Option<f64>,
    /// Instructions of all these processes for each message, where they were counted.
    pub instructions_per_message: Option<f64>,
    /// What the checker found.
    pub verdict: Verdict,
}

impl FlowReport {
    pub(super) fn new(options: &Options, meter: &Meter, used: Used, verdict: Verdict) -> Self {
        let (rate, concurrency) = match options.load() {
            Load::Open { rate } => (Some(rate), None),
            Load::Closed { concurrency } => (None, Some(concurrency)),
        };
        let counts = meter.counts();
        let sent = counts.sent.max(1) as f64;
        let us_per_message = |used: &Option<ServerUsage>| {
            let used = used.as_ref()?;
            Some(used.cpu_seconds * 1e6 / sent)
        };
        let server_cpu_us_per_message = us_per_message(&used.servers);
        let all_cpu_us_per_message = server_cpu_us_per_message
            .zip(us_per_message(&used.beside))
            .map(|(servers, beside)| servers + beside);
        Self {
            api: options.servers.api.clone(),
            pairs: options.pairs,
            text_bytes: options.text_bytes,
            rate,
            concurrency,
            counts,
            acknowledgement: meter.acknowledgements(),
            delivery: meter.deliveries(),
            tool_cpu_seconds: used.tool_cpu_seconds,
            servers: used.servers,
            server_cpu_us_per_message,
            beside: used.beside,
            all_cpu_us_per_message,
            instructions_per_message: used
                .instructions
                .map(|instructions| instructions as f64 / sent),
            verdict,
        }
    }

    /// Whether every send was acknowledged.
    pub fn is_complete(&self) -> bool {
        self.counts.unanswered + self.counts.refused == 0
    }

    fn load(&self) -> Load {
        match (self.rate, self.concurrency) {
            (Some(rate), _) => Load::Open { rate },
            (None, concurrency) => Load::Closed {
                concurrency: concurrency.unwrap_or(0),
            },
        }
    }
}

impl Report for FlowReport {
    fn outcome(&self) -> Outcome {
        Outcome::of(&self.verdict, true, self.is_complete())
    }

    fn page(&self) -> Page {
        let page = Page::titled("Pairs that talk")
            .text(format!(
                "{} pairs, {}, texts of {} bytes, at {}",
                self.pairs,
                self.load(),
                self.text_bytes,
                self.api.join(", ")
            ))
            .table(
                [
                    "latency in ms",
                    "messages",
                    "per second",
                    "p50",
                    "p95",
                    "p99",
                    "p99.9",
                    "max",
                ],
                [
                    cells("acknowledgement", &self.acknowledgement.latency),
                    cells("delivery", &self.delivery.latency),
                ],
            )
            .text(self.counts.to_string())
            .text(self.verdict.to_string());
        plots(
            page,
            &self.acknowledgement,
            &self.delivery,
            self.servers.as_ref(),
            &[],
        )
    }
}

/// Latency and throughput over time, the curves of percentiles, and what the servers used. Marks are events of the run,
/// in seconds from its beginning.
pub fn plots(
    page: Page,
    acknowledgement: &Measured,
    delivery: &Measured,
    servers: Option<&ServerUsage>,
    marks: &[Mark],
) -> Page {
    let over_time = |name: &str, of: &Measured, value: fn(&crate::meter::Interval) -> f64| {
        let points = of.over_time.iter().map(|at| (at.at_seconds, value(at)));
        Line::new(name, points.collect())
    };
    let page = page
        .heading("Latency")
        .figure(
            "Latency of the messages that came to their end in each half second.",
            plot::lines(
                &plot::Axes::new("seconds", "ms").logarithmic(),
                &[
                    over_time("delivery p50", delivery, |at| at.p50_ms),
                    over_time("delivery p99", delivery, |at| at.p99_ms),
                    over_time("delivery max", delivery, |at| at.max_ms),
                    over_time("acknowledgement p99", acknowledgement, |at| at.p99_ms),
                ],
                marks,
            ),
        )
        .figure(
            "So many in a hundred took no longer.",
            plot::percentiles(&[
                Line::new("acknowledgement", acknowledgement.curve.clone()),
                Line::new("delivery", delivery.curve.clone()),
            ]),
        )
        .heading("Throughput")
        .figure(
            "Messages that came to their end, by second.",
            plot::lines(
                &plot::Axes::new("seconds", "messages/s"),
                &[
                    over_time("acknowledged", acknowledgement, |at| at.per_second),
                    over_time("delivered", delivery, |at| at.per_second),
                ],
                marks,
            ),
        );
    servers.into_iter().fold(page, server_plots)
}

/// What the servers used over time.
pub fn server_plots(page: Page, servers: &ServerUsage) -> Page {
    let over_time = |name: &str, value: fn(&crate::watch::Sample) -> f64| {
        let points = servers.samples.iter().map(|at| (at.at_seconds, value(at)));
        Line::new(name, points.collect())
    };
    page.heading("What the servers used")
        .text(servers.to_string())
        .figure(
            "Resident memory of the server processes.",
            plot::lines(
                &plot::Axes::new("seconds", "MiB"),
                &[over_time("memory", |at| at.resident_mib)],
                &[],
            ),
        )
        .figure(
            "Processors that the server processes kept busy.",
            plot::lines(
                &plot::Axes::new("seconds", "processors"),
                &[over_time("processors", |at| at.cpu_cores)],
                &[],
            ),
        )
}

impl fmt::Display for FlowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} pairs, {}, texts of {} bytes",
            self.pairs,
            self.load(),
            self.text_bytes
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
        row(f, "acknowledgement", &self.acknowledgement.latency)?;
        row(f, "delivery", &self.delivery.latency)?;
        writeln!(f, "\n{}", self.counts)?;
        writeln!(
            f,
            "the tool itself used {:.2} CPU seconds while sending",
            self.tool_cpu_seconds
        )?;
        if let Some(servers) = &self.servers {
            writeln!(f, "{servers}")?;
        }
        if let Some(beside) = &self.beside {
            writeln!(f, "beside them: {beside}")?;
        }
        if let Some(instructions) = self.instructions_per_message {
            writeln!(
                f,
                "all of them executed {instructions:.0} instructions for each message"
            )?;
        }
        writeln!(f)?;
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

fn cells(name: &str, latency: &Latency) -> Vec<String> {
    let ms = [
        latency.p50_ms,
        latency.p95_ms,
        latency.p99_ms,
        latency.p999_ms,
        latency.max_ms,
    ];
    let mut cells = vec![
        name.to_owned(),
        latency.count.to_string(),
        format!("{:.1}", latency.per_second),
    ];
    cells.extend(ms.map(|ms| format!("{ms:.2}")));
    cells
}
