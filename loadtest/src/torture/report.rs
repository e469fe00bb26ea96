//! What a run of `torture` came to.

use std::fmt;

use harness::{checker::Verdict, faults::Fault};
use serde::Serialize;

use crate::{
    flow,
    footprint::{Footprint, ProcessFootprint, Traces},
    meter::{Counts, Measured},
    page::Page,
    plot::{self, Axes, Line, Mark},
    report::{Outcome, Report},
};

/// The report of a `torture` run.
#[derive(Clone, Debug, Serialize)]
pub struct TortureReport {
    /// Gives the same schedule again.
    pub seed: u64,
    /// How many instances there were.
    pub instances: usize,
    /// How many pairs talked.
    pub pairs: usize,
    /// Messages per second.
    pub rate: f64,
    /// What happened.
    pub rounds: Vec<RoundReport>,
    /// What became of the sends and streams.
    #[serde(flatten)]
    pub counts: Counts,
    /// From when a message was due until its sender knew that it is stored, through all faults.
    pub acknowledgement: Measured,
    /// From when a message was due until the other person's stream showed it.
    pub delivery: Measured,
    /// What the cluster took before the first fault.
    pub before: Footprint,
    /// What it took after the last one, with the same streams open.
    pub after: Footprint,
    /// Streams that did not end as they should when all chats were ended.
    pub streams_left: usize,
    /// What was stored of chats after all of them were ended.
    pub left: Traces,
    /// What the checker found.
    pub verdict: Verdict,
}

/// One fault, and how it healed.
#[derive(Clone, Debug, Serialize)]
pub struct RoundReport {
    /// What happened.
    pub fault: Fault,
    /// The number of the instance it happened to, for those that happen to one.
    pub instance: usize,
    /// When it began, since the pairs were made.
    pub at_s: f64,
    /// How long the fault lasted.
    pub lasted_ms: f64,
    /// Messages sent in this round.
    pub sent: u64,
    /// How long after the fault every send was settled and every stream had shown everything; `None` when that was
    /// waited for in vain.
    pub healed_ms: Option<f64>,
    /// What each instance took then.
    pub instances: Vec<ProcessFootprint>,
}

impl TortureReport {
    fn is_clean(&self) -> bool {
        self.verdict.is_clean() && self.streams_left == 0 && self.left.are_none()
    }

    /// The faults, by their numbers in the table.
    fn marks(&self) -> Vec<Mark> {
        let mark = |(number, round): (usize, &RoundReport)| Mark {
            at_seconds: round.at_s,
            lasted_seconds: round.lasted_ms / 1000.0,
            label: number.to_string(),
        };
        (1..).zip(&self.rounds).map(mark).collect()
    }

    fn memory(&self) -> Vec<Line> {
        let line = |instance: usize| {
            let points = self.rounds.iter().filter_map(|round| {
                let at_s = round.at_s + (round.lasted_ms + round.healed_ms?) / 1000.0;
                Some((at_s, round.instances.get(instance)?.resident_mib))
            });
            Line::new(format!("instance {instance}"), points.collect())
        };
        (0..self.instances).map(line).collect()
    }
}

impl Report for TortureReport {
    fn outcome(&self) -> Outcome {
        let answered = self.counts.unanswered + self.counts.refused == 0;
        Outcome::of(&self.verdict, self.is_clean(), answered)
    }

    fn page(&self) -> Page {
        let rounds = (1..).zip(&self.rounds).map(|(number, round)| {
            let healed = round
                .healed_ms
                .map_or("missed".to_owned(), |ms| format!("{ms:.0}"));
            vec![
                format!("{number}: {}", round.fault),
                format!("{:.1}", round.at_s),
                round.instance.to_string(),
                format!("{:.0}", round.lasted_ms),
                round.sent.to_string(),
                healed,
            ]
        });
        let page = Page::titled("Torture").columns(self.to_string());
        let marks = self.marks();
        let (acknowledgement, delivery) = (&self.acknowledgement, &self.delivery);
        let page = flow::plots(page, acknowledgement, delivery, None, &marks);
        let page = page.heading("Memory").figure(
            "Resident memory of each instance when a fault had healed.",
            plot::lines(&Axes::new("seconds", "MiB"), &self.memory(), &marks),
        );
        page.heading("Faults").table(
            [
                "fault",
                "at s",
                "instance",
                "lasted ms",
                "messages",
                "healed after ms",
            ],
            rounds,
        )
    }
}

impl fmt::Display for RoundReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            fault,
            instance,
            at_s,
            lasted_ms,
            sent,
            healed_ms,
            ..
        } = self;
        write!(
            f,
            "{at_s:7.1} s  instance {instance}, {lasted_ms:6.0} ms, {sent:4} messages: {fault}; "
        )?;
        match healed_ms {
            Some(healed_ms) => write!(f, "healed after {healed_ms:.0} ms"),
            None => f.write_str("NOT HEALED"),
        }
    }
}

impl fmt::Display for TortureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} faults, {} instances, {} pairs, {} messages/s",
            self.seed,
            self.rounds.len(),
            self.instances,
            self.pairs,
            self.rate
        )?;
        writeln!(f, "{}", self.counts)?;
        writeln!(f, "\nbefore the first fault\n{}", self.before)?;
        writeln!(f, "after the last one\n{}", self.after)?;
        writeln!(
            f,
            "after all chats were ended: {} streams open, {} rows and {} keys left\n",
            self.streams_left, self.left.rows, self.left.keys
        )?;
        let outcome = if self.is_clean() { "intact" } else { "BROKEN" };
        write!(f, "{outcome}: {}", self.verdict)
    }
}
