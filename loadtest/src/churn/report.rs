//! What a run of `churn` came to.

use std::{collections::BTreeMap, fmt, time::Duration};

use harness::checker::Verdict;
use serde::Serialize;

use super::{Found, Options};
use crate::{
    flow::server_plots,
    page::Page,
    report::{Outcome, Report},
    watch::{Sample, ServerUsage},
};

/// Behind this share of the run the servers have what they need, and should need no more.
const WARM_AFTER: f64 = 0.2;

/// The report of a `churn` run.
#[derive(Clone, Debug, Serialize)]
pub struct ChurnReport {
    /// Where the servers are.
    pub api: Vec<String>,
    /// Chats at one moment.
    pub concurrency: usize,
    /// Chats that came and went.
    pub chats: usize,
    /// The same by second.
    pub chats_per_second: f64,
    /// How long each step took.
    pub steps: Vec<Step>,
    /// Failed attempts by their status or kind, those that were repeated with success included.
    pub errors: BTreeMap<String, u64>,
    /// Answers other than 410 to whoever asked for a chat that is over.
    pub served_after_end: u64,
    /// Streams that did not end with their chat.
    pub streams_left: usize,
    /// Chats that were given up; nothing is known of them.
    pub given_up: u64,
    /// Why the first of them was.
    pub first_error: Option<String>,
    /// What the checker found.
    pub verdict: Verdict,
    /// What the servers used meanwhile.
    pub servers: Option<ServerUsage>,
}

/// How long one step of a chat's life took, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Which.
    pub name: &'static str,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Step {
    fn new(name: &'static str, mut took_ms: Vec<f64>) -> Self {
        took_ms.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (took_ms.len().saturating_sub(1)) as f64 * share;
            took_ms.get(place.round() as usize).copied().unwrap_or(0.0)
        };
        Self {
            name,
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: at(1.0),
        }
    }
}

impl ChurnReport {
    pub(super) fn new(
        options: &Options,
        lasted: Duration,
        found: Found,
        servers: Option<ServerUsage>,
    ) -> Self {
        let chats = found.steps[0].len();
        let names = ["entering", "ten messages, on both streams", "ending"];
        let steps = names.into_iter().zip(found.steps);
        Self {
            api: options.servers.api.clone(),
            concurrency: options.concurrency,
            chats,
            chats_per_second: chats as f64 / lasted.as_secs_f64(),
            steps: steps
                .map(|(name, took_ms)| Step::new(name, took_ms))
                .collect(),
            errors: found.errors,
            served_after_end: found.served_after_end,
            streams_left: found.streams_left,
            given_up: found.given_up,
            first_error: found.first_error.map(|error| error.to_string()),
            verdict: found.verdict,
            servers,
        }
    }

    /// The servers when they were warm, and at the end: whether something grows with every chat that has gone.
    fn growth(&self) -> Option<(Sample, Sample)> {
        let samples = &self.servers.as_ref()?.samples;
        let warm = samples.get((samples.len() as f64 * WARM_AFTER) as usize)?;
        Some((*warm, *samples.last()?))
    }
}

impl Report for ChurnReport {
    fn outcome(&self) -> Outcome {
        let nothing_stays = self.served_after_end == 0 && self.streams_left == 0;
        Outcome::of(&self.verdict, nothing_stays, self.given_up == 0)
    }

    fn page(&self) -> Page {
        let page = Page::titled("Churn").columns(self.to_string());
        match &self.servers {
            Some(servers) => server_plots(page, servers),
            None => page,
        }
    }
}

impl fmt::Display for ChurnReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} chats came and went, {:.1} per second, {} at a time",
            self.chats, self.chats_per_second, self.concurrency
        )?;
        writeln!(f, "at {}\n", self.api.join(", "))?;
        writeln!(f, "{:<32}{:>10}{:>10}{:>10}", "in ms", "p50", "p99", "max")?;
        for step in &self.steps {
            let Step {
                name,
                p50_ms,
                p99_ms,
                max_ms,
            } = step;
            writeln!(f, "{name:<32}{p50_ms:>10.1}{p99_ms:>10.1}{max_ms:>10.1}")?;
        }
        if !self.errors.is_empty() {
            let errors = self
                .errors
                .iter()
                .map(|(label, count)| format!("{label} × {count}"));
            writeln!(
                f,
                "\nfailed attempts: {}",
                errors.collect::<Vec<_>>().join(", ")
            )?;
        }
        if let Some((warm, end)) = self.growth() {
            writeln!(
                f,
                "\nservers after {:.0} s: {:.1} MiB, {} descriptors; after {:.0} s: {:.1} MiB, {} descriptors",
                warm.at_seconds,
                warm.resident_mib,
                warm.descriptors,
                end.at_seconds,
                end.resident_mib,
                end.descriptors
            )?;
        }
        writeln!(
            f,
            "\nafter the end: {} answers other than 410, {} streams left open",
            self.served_after_end, self.streams_left
        )?;
        if let Some(error) = &self.first_error {
            writeln!(
                f,
                "{} chats were given up, the first because {error}",
                self.given_up
            )?;
        }
        let outcome = match self.outcome() {
            Outcome::Broken => "BROKEN",
            Outcome::Kept | Outcome::Incomplete => "intact",
        };
        write!(f, "{outcome}: {}", self.verdict)
    }
}
