//! What a run of `beats` came to.

use std::fmt;

use serde::Serialize;

use crate::{
    page::Page,
    plot::{self, Axes, Line},
    report::{Outcome, Report},
};

/// The report of a `beats` run.
#[derive(Clone, Debug, Serialize)]
pub struct BeatsReport {
    /// How long each was measured.
    pub seconds: f64,
    /// Every program with every number of instances.
    pub runs: Vec<Run>,
}

/// One program with so many instances.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The name that it was given.
    pub program: String,
    /// Instances on one Redis.
    pub instances: usize,
    /// Whether all came to know of each other at all.
    pub all_known: bool,
    /// Redis, in percent of a core.
    pub redis_cpu_percent: f64,
    /// One instance, in percent of a core.
    pub instance_cpu_percent: f64,
    /// Commands that Redis was given each second.
    pub commands_per_second: f64,
    /// Beats that instances heard each second, all together.
    pub beats_heard_per_second: f64,
    /// What Redis sent, answers included.
    pub sent_kib_per_second: f64,
    /// How long after an instance was killed half of the others had noticed.
    pub noticed_median_ms: Option<u64>,
    /// How long after it all had.
    pub noticed_last_ms: Option<u64>,
    /// How many never did, over all tries.
    pub unnoticed: usize,
}

impl BeatsReport {
    /// A line for each program.
    fn lines(&self, of: impl Fn(&Run) -> f64) -> Vec<Line> {
        let mut programs: Vec<&str> = Vec::new();
        for run in &self.runs {
            if !programs.contains(&run.program.as_str()) {
                programs.push(&run.program);
            }
        }
        let line = |program: &&str| {
            let runs = self.runs.iter().filter(|run| run.program == **program);
            let points = runs.map(|run| (run.instances as f64, of(run)));
            Line::new(*program, points.collect())
        };
        programs.iter().map(line).collect()
    }
}

impl Report for BeatsReport {
    fn outcome(&self) -> Outcome {
        match self.runs.iter().all(|run| run.unnoticed == 0) {
            true => Outcome::Kept,
            false => Outcome::Broken,
        }
    }

    fn page(&self) -> Page {
        let figure = |page: Page, caption: &str, y: &str, lines: Vec<Line>| {
            let axes = Axes::new("instances", y);
            page.figure(caption, plot::lines(&axes, &lines, &[]))
        };
        let page = Page::titled("Beats").columns(self.to_string());
        let page = figure(
            page,
            "Redis, in percent of a core.",
            "%",
            self.lines(|run| run.redis_cpu_percent),
        );
        let page = figure(
            page,
            "One instance, in percent of a core.",
            "%",
            self.lines(|run| run.instance_cpu_percent),
        );
        figure(
            page,
            "Beats that were heard each second, all instances together.",
            "per second",
            self.lines(|run| run.beats_heard_per_second),
        )
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |ms: Option<u64>| ms.map_or("-".to_owned(), |ms| ms.to_string());
        write!(
            f,
            "{:<12}{:>10}{:>10.1}{:>12.2}{:>12.0}{:>12.0}{:>10.0}{:>10}{:>10}{:>6}",
            self.program,
            self.instances,
            self.redis_cpu_percent,
            self.instance_cpu_percent,
            self.commands_per_second,
            self.beats_heard_per_second,
            self.sent_kib_per_second,
            ms(self.noticed_median_ms),
            ms(self.noticed_last_ms),
            self.unnoticed
        )?;
        match self.all_known {
            true => Ok(()),
            false => f.write_str("  (they never all knew of each other)"),
        }
    }
}

impl fmt::Display for BeatsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} s each; a death is noticed when an instance compares its chats with the store\n",
            self.seconds
        )?;
        writeln!(
            f,
            "{:<12}{:>10}{:>10}{:>12}{:>12}{:>12}{:>10}{:>10}{:>10}{:>6}",
            "program",
            "instances",
            "Redis %",
            "instance %",
            "commands/s",
            "heard/s",
            "KiB/s",
            "median ms",
            "last ms",
            "never"
        )?;
        for run in &self.runs {
            writeln!(f, "{run}")?;
        }
        Ok(())
    }
}
