//! `ramp`: raises the rate until delivery is no longer in time, and tells the highest rate that was held.
//!
//! The same pairs and streams serve all rounds. The rate rises by a factor until a round is not held twice in a row (a
//! machine has hiccups of its own), and is then searched for between the last that was held and the first that was not.

use std::{fmt, time::Duration};

use clap::Args;
use harness::checker::Verdict;
use serde::Serialize;

use crate::{
    flow::{self, FlowError, Talk},
    options::{Servers, at_least_one, positive, rate, some_seconds, text_len},
    page::Page,
    plot::{self, Line},
    progress::Progress,
    report::{Outcome, Report},
};

/// Seconds of each round before its measurement begins.
const WARM_UP: Duration = Duration::from_millis(500);
/// How long messages that are under way after a round are waited for.
const TAIL: Duration = Duration::from_secs(30);
/// A server that is overrun answers late; what is not answered by then is no longer of interest.
const PATIENCE: Duration = Duration::from_secs(20);

/// Options of `ramp`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to.
    #[command(flatten)]
    pub servers: Servers,

    /// How many pairs talk.
    #[arg(long, default_value_t = 200, value_parser = at_least_one, value_name = "N")]
    pub pairs: usize,

    /// The bound: 99 of 100 messages are delivered within this many milliseconds.
    #[arg(long, default_value_t = 50.0, value_parser = positive, value_name = "MS")]
    pub p99_ms: f64,

    /// The first rate, in messages per second.
    #[arg(long, default_value_t = 1000.0, value_parser = rate, value_name = "R")]
    pub from: f64,

    /// Each rate is so many times the one before.
    #[arg(long, default_value_t = 1.4, value_parser = factor, value_name = "F")]
    pub factor: f64,

    /// Rounds of searching between the last rate that was held and the first that was not.
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub refine: u32,

    /// Seconds that each round is measured.
    #[arg(long, default_value = "4", value_parser = some_seconds, value_name = "S")]
    pub duration: Duration,

    /// Size of each text in bytes of UTF-8.
    #[arg(long, default_value_t = 100, value_parser = text_len, value_name = "N")]
    pub text_bytes: usize,
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text
        .parse()
        .ok()
        .filter(|factor| (1.01..=10.0).contains(factor));
    factor.ok_or_else(|| "give a number from 1.01 to 10".to_owned())
}

/// The report of a `ramp` run.
#[derive(Clone, Debug, Serialize)]
pub struct RampReport {
    /// Where the servers are.
    pub api: Vec<String>,
    /// How many pairs talked.
    pub pairs: usize,
    /// The bound.
    pub bound_p99_ms: f64,
    /// The highest rate that was held, in messages per second; 0 where none was.
    pub knee_per_second: f64,
    /// All rounds, in the order they were made.
    pub rounds: Vec<Round>,
    /// What the checker found over all rounds.
    pub verdict: Verdict,
}

/// One round at one rate.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// Messages per second that were due.
    pub rate: f64,
    /// Whether all were delivered, 99 of 100 in time.
    pub held: bool,
    /// Messages that were delivered by second.
    pub delivered_per_second: f64,
    /// Half of the deliveries took no longer; in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// Sends that were refused or not answered.
    pub failed: u64,
    /// Processors that the servers kept busy, where their processes were named.
    pub cpu_cores: Option<f64>,
    /// Processors that the tool itself kept busy.
    pub tool_cpu_cores: f64,
}

/// Makes one run.
pub async fn run(options: &Options, progress: &Progress) -> Result<RampReport, FlowError> {
    let talk = Talk::prepare(&options.servers, options.pairs, progress).await?;
    let mut rounds = Vec::new();
    let (mut held, mut rate) = (0.0, options.from);
    let mut not_held = loop {
        if twice(&talk, options, rate, &mut rounds, progress).await {
            held = rate;
            rate *= options.factor;
        } else {
            break rate;
        }
    };
    for _ in 0..options.refine {
        if rounds.last().is_some_and(Round::is_unserved) {
            progress.tell("no message was delivered: the servers are gone");
            break;
        }
        let between = if held > 0.0 {
            f64::sqrt(held * not_held)
        } else {
            not_held / 2.0
        };
        if twice(&talk, options, between, &mut rounds, progress).await {
            held = between;
        } else {
            not_held = between;
        }
    }
    Ok(RampReport {
        api: options.servers.api.clone(),
        pairs: options.pairs,
        bound_p99_ms: options.p99_ms,
        knee_per_second: held,
        rounds,
        verdict: talk.judge(PATIENCE, progress).await,
    })
}

/// Makes a round, and another one where the first was not held.
async fn twice(
    talk: &Talk,
    options: &Options,
    rate: f64,
    rounds: &mut Vec<Round>,
    progress: &Progress,
) -> bool {
    for _ in 0..2 {
        let round = round(talk, options, rate).await;
        rounds.push(round);
        progress.tell(round);
        if round.held || round.is_unserved() {
            return round.held;
        }
    }
    false
}

async fn round(talk: &Talk, options: &Options, rate: f64) -> Round {
    let flow = flow::Options {
        servers: options.servers.clone(),
        pairs: options.pairs,
        beside: Vec::new(),
        instructions: false,
        silent_chats: 0,
        rate: Some(rate),
        concurrency: 1,
        duration: options.duration,
        messages: None,
        warmup: WARM_UP,
        text_bytes: options.text_bytes,
        patience: PATIENCE,
        tail: TAIL,
    };
    let silent = Progress::silent();
    let used = talk.send(&flow, &silent).await;
    talk.settle(TAIL, &silent).await;
    let counts = talk.meter().counts();
    let delivery = talk.meter().deliveries().latency;
    let failed = counts.unanswered + counts.refused;
    // A round in which nothing was due says nothing.
    let due = (rate * options.duration.as_secs_f64()).max(1.0).floor() as u64;
    Round {
        rate,
        held: failed == 0 && delivery.p99_ms <= options.p99_ms && delivery.count >= due,
        delivered_per_second: delivery.per_second,
        p50_ms: delivery.p50_ms,
        p99_ms: delivery.p99_ms,
        failed,
        cpu_cores: used.servers.map(|servers| servers.cpu_cores),
        tool_cpu_cores: used.tool_cpu_seconds / (options.duration + WARM_UP).as_secs_f64(),
    }
}

impl Round {
    /// Whether nothing was delivered, which no rate explains.
    fn is_unserved(&self) -> bool {
        self.delivered_per_second == 0.0
    }

    fn cells(&self) -> Vec<String> {
        let held = if self.held { "held" } else { "not held" };
        vec![
            format!("{:.0}", self.rate),
            held.to_owned(),
            format!("{:.0}", self.delivered_per_second),
            format!("{:.2}", self.p50_ms),
            format!("{:.2}", self.p99_ms),
            self.cpu_cores
                .map_or_else(String::new, |cpu_cores| format!("{cpu_cores:.2}")),
        ]
    }
}

impl Report for RampReport {
    fn outcome(&self) -> Outcome {
        Outcome::of(&self.verdict, true, self.knee_per_second > 0.0)
    }

    fn page(&self) -> Page {
        let mut by_rate = self.rounds.clone();
        by_rate.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        let line = |name: &str, value: fn(&Round) -> Option<f64>| {
            let points = by_rate
                .iter()
                .filter_map(|round| Some((round.rate, value(round)?)));
            Line::new(name, points.collect())
        };
        Page::titled("The highest rate that is held")
            .text(format!(
                "{} pairs at {}. The highest rate held with delivery p99 within {} ms: {:.0} messages a second. {}",
                self.pairs,
                self.api.join(", "),
                self.bound_p99_ms,
                self.knee_per_second,
                self.verdict
            ))
            .table(
                ["messages/s", "", "delivered/s", "p50, ms", "p99, ms", "processors"],
                self.rounds.iter().map(Round::cells),
            )
            .figure(
                "Latency of delivery by rate.",
                plot::lines(
                    &plot::Axes::new("messages/s", "ms").logarithmic(),
                    &[
                        line("p50", |round| Some(round.p50_ms)),
                        line("p99", |round| Some(round.p99_ms)),
                    ],
                    &[],
                ),
            )
            .figure(
                "Processors kept busy by rate.",
                plot::lines(
                    &plot::Axes::new("messages/s", "processors"),
                    &[
                        line("servers", |round| round.cpu_cores),
                        line("the tool itself", |round| Some(round.tool_cpu_cores)),
                    ],
                    &[],
                ),
            )
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = if self.held { "held," } else { "not held," };
        write!(f, "{:>9.0} messages/s: {held:<8} ", self.rate)?;
        match self.is_unserved() {
            true => write!(f, "nothing was delivered")?,
            false => write!(
                f,
                "p50 {:>8.2} ms, p99 {:>8.2} ms, delivered {:>7.0}/s",
                self.p50_ms, self.p99_ms, self.delivered_per_second
            )?,
        }
        if let Some(cpu_cores) = self.cpu_cores {
            write!(f, ", processors {cpu_cores:.2}")?;
        }
        if self.failed > 0 {
            write!(f, ", failed {}", self.failed)?;
        }
        Ok(())
    }
}

impl fmt::Display for RampReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} pairs, delivery p99 within {} ms, at {}\n",
            self.pairs,
            self.bound_p99_ms,
            self.api.join(", ")
        )?;
        for round in &self.rounds {
            writeln!(f, "{round}")?;
        }
        match self.knee_per_second {
            0.0 => writeln!(f, "\nno rate was held: begin with a lower one (--from)")?,
            knee => writeln!(f, "\nthe highest rate that was held: {knee:.0} messages/s")?,
        }
        write!(f, "{}", self.verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_and_a_run_without_success_show_no_latency_and_no_rate() {
        let round = Round {
            rate: 70.0,
            held: false,
            delivered_per_second: 0.0,
            p50_ms: 0.0,
            p99_ms: 0.0,
            failed: 149,
            cpu_cores: None,
            tool_cpu_cores: 0.0,
        };
        let report = RampReport {
            api: vec!["http://127.0.0.1:1".to_owned()],
            pairs: 1,
            bound_p99_ms: 50.0,
            knee_per_second: 0.0,
            rounds: vec![round],
            verdict: Verdict::default(),
        };
        let told = report.to_string();
        assert!(
            told.contains("not held, nothing was delivered, failed 149"),
            "{told}"
        );
        assert!(
            told.contains("no rate was held") && !told.contains("p50"),
            "{told}"
        );
    }
}
