//! What a run of `heal` came to.

use std::fmt;

use harness::{checker::Verdict, faults::Fault};
use serde::Serialize;

use crate::{
    page::Page,
    plot,
    report::{Outcome, Report},
};

/// Half of the tries should take no longer, in milliseconds.
const MEDIAN_MS_MAX: f64 = 1_000.0;
/// None should take longer.
const WORST_MS_MAX: f64 = 2_000.0;

/// The report of a `heal` run.
#[derive(Clone, Debug, Serialize)]
pub struct HealReport {
    /// Live chats.
    pub pairs: usize,
    /// Messages lost at each try, each in another chat.
    pub messages: usize,
    /// Whether it fails when it was not in time.
    pub check: bool,
    /// By fault.
    pub healings: Vec<Healing>,
    /// What the checker found.
    pub verdict: Verdict,
}

/// How one kind of fault healed.
#[derive(Clone, Debug, Serialize)]
pub struct Healing {
    /// What happened.
    pub fault: Fault,
    /// Half of the tries took no longer; all in milliseconds.
    pub median_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Every try, from the shortest to the longest.
    pub tries_ms: Vec<f64>,
}

impl Healing {
    pub(super) fn new(fault: Fault, mut tries_ms: Vec<f64>) -> Self {
        tries_ms.sort_by(f64::total_cmp);
        Self {
            fault,
            median_ms: tries_ms.get(tries_ms.len() / 2).copied().unwrap_or(0.0),
            max_ms: tries_ms.last().copied().unwrap_or(0.0),
            tries_ms,
        }
    }
}

impl HealReport {
    fn is_in_time(&self) -> bool {
        let mut healings = self.healings.iter();
        healings.all(|healing| healing.median_ms <= MEDIAN_MS_MAX && healing.max_ms <= WORST_MS_MAX)
    }
}

impl Report for HealReport {
    fn outcome(&self) -> Outcome {
        Outcome::of(&self.verdict, self.is_in_time() || !self.check, true)
    }

    fn page(&self) -> Page {
        // Longer names would cover each other.
        let groups: Vec<(&str, Vec<Option<f64>>)> = ["first", "second", "third", "fourth"]
            .into_iter()
            .zip(&self.healings)
            .map(|(name, healing)| (name, vec![Some(healing.median_ms), Some(healing.max_ms)]))
            .collect();
        Page::titled("Healing").columns(self.to_string()).figure(
            "How long until what was lost was shown, with no further message sent, by the rows above.",
            plot::bars("ms", &["median", "longest"], &groups),
        )
    }
}

impl fmt::Display for HealReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} live chats, {} messages lost at each try\n",
            self.pairs, self.messages
        )?;
        writeln!(
            f,
            "{:<55}{:>6}{:>10}{:>10}",
            "healed after, in ms", "tries", "median", "max"
        )?;
        for healing in &self.healings {
            writeln!(
                f,
                "{:<55}{:>6}{:>10.0}{:>10.0}",
                healing.fault.to_string(),
                healing.tries_ms.len(),
                healing.median_ms,
                healing.max_ms
            )?;
        }
        let outcome = if self.verdict.is_clean() {
            "intact"
        } else {
            "BROKEN"
        };
        write!(f, "\n{outcome}: {}", self.verdict)
    }
}
