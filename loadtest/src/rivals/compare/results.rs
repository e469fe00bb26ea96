//! The comparison as a table, as Markdown, and as a page with plots.

use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::{
    contender::Contender,
    figures::Figures,
    goals::{self, Standing},
    machine,
    plan::Session,
};
use crate::{
    page::Page,
    plot::{self, Line},
    report::{Outcome, Report},
};

/// The report of a `compare` run.
#[derive(Clone, Debug, Serialize)]
pub struct CompareReport {
    rounds: usize,
    contenders: Vec<String>,
    /// Those that are not installed, in a sentence each.
    left_out: Vec<String>,
    standings: Vec<Standing>,
    figures: Figures,
    commands: Vec<String>,
    machine: Vec<String>,
}

impl CompareReport {
    pub(super) fn new(
        rounds: usize,
        contenders: &[Contender],
        left_out: Vec<String>,
        plan: &[Session],
        figures: Figures,
    ) -> Self {
        let rivals: Vec<&str> = contenders
            .iter()
            .filter(|one| one.is_rival())
            .map(|one| one.name.as_str())
            .collect();
        let mut commands: Vec<String> = Vec::new();
        for command in plan.iter().flat_map(|session| &session.commands) {
            let command = format!("loadtest {}", command.command);
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
        Self {
            rounds,
            standings: goals::standings(&figures, &rivals),
            contenders: contenders.iter().map(|one| one.name.clone()).collect(),
            left_out,
            commands,
            machine: machine::described(&figures),
            figures,
        }
    }

    /// The report as Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        self.write_markdown(&mut text)
            .expect("writing into a string cannot fail");
        text
    }

    fn write_markdown(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "# Results\n")?;
        writeln!(text, "{}\n", self.introduction())?;
        table(text, &GOALS_HEAD.map(str::to_owned), &self.goal_rows())?;
        writeln!(text, "\n## All figures\n")?;
        writeln!(
            text,
            "Medians, with the lowest and highest values in parentheses.\n"
        )?;
        table(text, &self.figures_head(), &self.figure_rows())?;
        if !self.figures.failures().is_empty() {
            writeln!(text, "\n## What did not work\n")?;
            for failure in self.figures.failures() {
                writeln!(text, "- {failure}")?;
            }
        }
        writeln!(text, "\n## Commands\n")?;
        writeln!(
            text,
            "`$API` stands for the addresses of the instances, `$PIDS` for their processes, `$BESIDE` for those of PostgreSQL and\n\
             Redis, `$ALL_PIDS` for all of these. Floors: `pgbench` with an insert into a table like duet's, row by row from one\n\
             client and from 64, and in batches of 64 rows from 4; `redis-benchmark` with `PUBLISH`; `wrk` on a trivial actix-web route.\n"
        )?;
        writeln!(text, "```")?;
        for command in &self.commands {
            writeln!(text, "{command}")?;
        }
        writeln!(text, "```\n\n## Machine\n")?;
        for line in &self.machine {
            writeln!(text, "- {line}")?;
        }
        Ok(())
    }

    fn introduction(&self) -> String {
        let rounds = match self.rounds {
            1 => "One round".to_owned(),
            rounds => format!("Medians of {rounds} rounds"),
        };
        let mut told = format!(
            "{rounds}, alternating between the contenders, each time on a fresh PostgreSQL and Redis; instances, servers and the \
             load tool share one machine. Written by `make compare`. `docs/performance.md` describes the contenders and how \
             they differ."
        );
        for sentence in &self.left_out {
            told.push_str(&format!(" {sentence}."));
        }
        told
    }

    fn goal_rows(&self) -> Vec<Vec<String>> {
        let cells = |standing: &Standing| {
            let other = standing.other.as_ref();
            vec![
                standing.what.to_owned(),
                standing.goal.to_owned(),
                shown(standing.duet),
                other.map_or_else(nothing, |(name, value)| {
                    format!("{} ({name})", shown(Some(*value)))
                }),
                shown(standing.judged.filter(|_| other.is_some())),
                match standing.met {
                    Some(true) => "met".to_owned(),
                    Some(false) => "missed".to_owned(),
                    None => "not measured".to_owned(),
                },
            ]
        };
        self.standings.iter().map(cells).collect()
    }

    fn figures_head(&self) -> Vec<String> {
        let mut head = vec![String::new()];
        head.extend(self.contenders.iter().cloned());
        head.push("floor".to_owned());
        head
    }

    fn figure_rows(&self) -> Vec<Vec<String>> {
        let names = self.figures.names().into_iter();
        names
            .map(|name| {
                let cell = |contender: &str| self.spread(contender, &name);
                let mut row = vec![name.replace('_', " ")];
                row.extend(self.contenders.iter().map(|contender| cell(contender)));
                row.push(cell("floor"));
                row
            })
            .collect()
    }

    /// A median with the values around it.
    fn spread(&self, contender: &str, figure: &str) -> String {
        let values = self.figures.values(contender, figure);
        let median = shown(self.figures.median(contender, figure));
        match values.as_slice() {
            [lowest, .., highest] => {
                format!(
                    "{median} ({}–{})",
                    shown(Some(*lowest)),
                    shown(Some(*highest))
                )
            }
            _ => median,
        }
    }

    /// A line of each contender, out of its report of the command that contains these words.
    fn lines(&self, words: &str, of: fn(&Value) -> Vec<(f64, f64)>) -> Vec<Line> {
        let contenders = self.contenders.iter();
        contenders
            .filter_map(|name| {
                let report = self.figures.report(name, words)?;
                Some(Line::new(name, of(report)))
            })
            .collect()
    }

    fn bars(&self, unit: &str, figures: &[(&'static str, &str)]) -> Option<String> {
        let series: Vec<&str> = self.contenders.iter().map(String::as_str).collect();
        let groups: Vec<_> = figures
            .iter()
            .map(|&(label, figure)| {
                let medians = series.iter().map(|name| self.figures.median(name, figure));
                (label, medians.collect())
            })
            .collect();
        plot::bars(unit, &series, &groups)
    }
}

const GOALS_HEAD: [&str; 6] = [
    "measure",
    "goal",
    "duet",
    "compared with",
    "ratio",
    "result",
];

fn nothing() -> String {
    "–".to_owned()
}

/// A number with as many places as are worth reading.
fn shown(value: Option<f64>) -> String {
    let Some(value) = value else { return nothing() };
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.1 => format!("{value:.4}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn table(text: &mut String, head: &[String], rows: &[Vec<String>]) -> fmt::Result {
    writeln!(text, "| {} |", head.join(" | "))?;
    writeln!(text, "|{}", "---|".repeat(head.len()))?;
    rows.iter()
        .try_for_each(|row| writeln!(text, "| {} |", row.join(" | ")))
}

fn points(list: &Value, x: &str, y: &str) -> Vec<(f64, f64)> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|point| Some((point[x].as_f64()?, point[y].as_f64()?)))
        .collect()
}

fn curve(report: &Value) -> Vec<(f64, f64)> {
    let curve = report["delivery"]["curve"].as_array();
    let curve = curve.map(Vec::as_slice).unwrap_or_default();
    curve
        .iter()
        .filter_map(|point| Some((point[0].as_f64()?, point[1].as_f64()?)))
        .collect()
}

impl Report for CompareReport {
    fn outcome(&self) -> Outcome {
        if self.figures.failures().is_empty() {
            Outcome::Kept
        } else {
            Outcome::Incomplete
        }
    }

    fn page(&self) -> Page {
        const AT_2000: &str = "talk: flow --pairs 200 --rate 2000";
        const CLOSED: &str = "talk: flow --pairs 200 --concurrency 64";
        Page::titled("duet and its rivals")
            .text(self.introduction())
            .table(GOALS_HEAD, self.goal_rows())
            .heading("Throughput")
            .figure(
                "Messages per second: delivered in the closed loops, and held with delivery p99 within 50 ms.",
                self.bars(
                    "messages/s",
                    &[
                        ("64 senders", "closed_per_second"),
                        ("256 senders", "closed_per_second_of_256"),
                        ("held", "held_per_second"),
                    ],
                ),
            )
            .figure(
                "Messages delivered by second in the closed loop of 64 senders, in the last round.",
                plot::lines(
                    &plot::Axes::new("seconds", "messages/s"),
                    &self.lines(CLOSED, |report| {
                        points(&report["delivery"]["over_time"], "at_seconds", "per_second")
                    }),
                    &[],
                ),
            )
            .heading("Latency")
            .figure(
                "Delivery at 2,000 messages a second: so many in a hundred took no longer, in the last round.",
                plot::percentiles(&self.lines(AT_2000, curve)),
            )
            .figure(
                "The same over time: p99 of each half second.",
                plot::lines(
                    &plot::Axes::new("seconds", "ms").logarithmic(),
                    &self.lines(AT_2000, |report| {
                        points(&report["delivery"]["over_time"], "at_seconds", "p99_ms")
                    }),
                    &[],
                ),
            )
            .figure(
                "Delivery p99 by rate, in the last round.",
                plot::lines(
                    &plot::Axes::new("messages/s", "ms").logarithmic(),
                    &self.lines("talk: ramp", |report| {
                        let mut rounds = points(&report["rounds"], "rate", "p99_ms");
                        rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
                        rounds
                    }),
                    &[],
                ),
            )
            .heading("Processor time and memory")
            .figure(
                "Processor time of the two servers for each message, in microseconds.",
                self.bars(
                    "µs",
                    &[
                        ("at 2,000/s", "cpu_us_per_message_at_2000"),
                        ("64 senders", "closed_cpu_us_per_message"),
                        ("256 senders", "cpu_us_per_message_of_256"),
                    ],
                ),
            )
            .figure(
                "Resident memory of the servers for each idle stream.",
                self.bars(
                    "KiB",
                    &[
                        ("8,000 streams", "kib_per_stream_of_8000"),
                        ("10,000 streams", "kib_per_stream"),
                        ("over HTTP/2", "kib_per_stream_h2c"),
                    ],
                ),
            )
            .figure(
                "Resident memory of the servers in the closed loop, in the last round.",
                plot::lines(
                    &plot::Axes::new("seconds", "MiB"),
                    &self.lines(CLOSED, |report| {
                        points(&report["servers"]["samples"], "at_seconds", "resident_mib")
                    }),
                    &[],
                ),
            )
            .heading("Streams")
            .figure(
                "Seconds until 8,000 streams were open, and until 4,000 that were lost at once were whole again.",
                self.bars(
                    "seconds",
                    &[
                        ("opening 8,000", "opening_8000_seconds"),
                        ("storm of 4,000", "storm_seconds"),
                    ],
                ),
            )
            .heading("All figures")
            .table(self.figures_head(), self.figure_rows())
            .text(self.machine.join("\n"))
    }
}

impl fmt::Display for CompareReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.markdown())
    }
}
