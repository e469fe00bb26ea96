//! The goals, and what of them is met.

use serde::Serialize;

use super::figures::Figures;

/// A goal and how it stands.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Standing {
    pub(super) what: &'static str,
    pub(super) goal: &'static str,
    pub(super) duet: Option<f64>,
    /// What it is compared with: the better rival's value, or the floor's.
    pub(super) other: Option<(String, f64)>,
    /// The figure that the goal is about: a ratio, or duet's own value.
    pub(super) judged: Option<f64>,
    pub(super) met: Option<bool>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

/// Every goal.
pub(super) fn standings(figures: &Figures, rivals: &[&str]) -> Vec<Standing> {
    use Bound::{AtLeast, AtMost};
    let against_rivals = |what, goal, figure: &str, bound: Bound| {
        let duet = figures.median("duet", figure);
        let other = better(figures, rivals, figure, bound);
        let judged = duet
            .zip(other.as_ref())
            .map(|(duet, (_, other))| duet / other);
        standing(what, goal, duet, other, judged, bound)
    };
    let alone = |what, goal, figure: &str, bound| {
        let duet = figures
            .median("duet", figure)
            .or_else(|| figures.median("floor", figure));
        standing(what, goal, duet, None, duet, bound)
    };
    let against_itself = |what, goal, figure: &str, other: &str, bound| {
        let duet = figures.median("duet", figure);
        let other = figures.median("duet", other);
        let judged = duet.zip(other).map(|(duet, other)| duet / other);
        standing(
            what,
            goal,
            duet,
            other.map(|other| ("itself".to_owned(), other)),
            judged,
            bound,
        )
    };
    let above_bare = |what, goal, figure: &str, bound| {
        let duet = figures.median("duet", figure);
        let other = figures.median("bare", figure);
        let judged = duet.zip(other).map(|(duet, other)| duet - other);
        standing(
            what,
            goal,
            duet,
            other.map(|other| ("bare".to_owned(), other)),
            judged,
            bound,
        )
    };
    vec![
        against_rivals(
            "delivered messages per second, closed loop of 64 senders, 200 pairs",
            "≥ 3 × the better rival",
            "closed_per_second",
            AtLeast(3.0),
        ),
        against_rivals(
            "highest open-loop rate held with delivery p99 ≤ 50 ms",
            "≥ 4 × the better rival",
            "held_per_second",
            AtLeast(4.0),
        ),
        against_rivals(
            "delivery p50 at 500 messages/s, ms",
            "≤ 0.75 × the better rival",
            "p50_ms_at_500",
            AtMost(0.75),
        ),
        against_rivals(
            "delivery p99 at 2,000 messages/s, ms",
            "≤ 0.25 × the better rival",
            "p99_ms_at_2000",
            AtMost(0.25),
        ),
        against_rivals(
            "processors of the two servers at 2,000 messages/s",
            "≤ 0.4 × the better rival",
            "cpu_cores_at_2000",
            AtMost(0.4),
        ),
        against_rivals(
            "opening 8,000 streams, seconds",
            "≤ the better rival",
            "opening_8000_seconds",
            AtMost(1.0),
        ),
        alone(
            "resident KiB per idle stream over HTTP/1.1",
            "≤ 12",
            "kib_per_stream",
            AtMost(12.0),
        ),
        alone(
            "resident KiB per idle stream over HTTP/2 without TLS",
            "≤ 7",
            "kib_per_stream_h2c",
            AtMost(7.0),
        ),
        above_bare(
            "processors of 10,000 idle streams",
            "≤ 0.01 above bare actix",
            "idle_cpu_cores",
            AtMost(0.01),
        ),
        against_rivals(
            "storm of 4,000 streams, seconds until everyone is whole",
            "≤ the better rival",
            "storm_seconds",
            AtMost(1.0),
        ),
        alone(
            "requests refused in the storm without a word when to come back",
            "0",
            "storm_refused_without_word",
            AtMost(0.0),
        ),
        against_itself(
            "CPU per message of all processes, many registered chats against 1,000, µs",
            "≤ 1.1 ×",
            "cpu_us_per_message_at_many_chats",
            "cpu_us_per_message_at_few_chats",
            AtMost(1.1),
        ),
        alone(
            "history page of the long chat, last against first",
            "≤ 1.2 ×",
            "last_page_against_first",
            AtMost(1.2),
        ),
        against_rivals(
            "last history page of the long chat, against 10,000 messages at the rivals, ms",
            "≤ the better rival",
            "last_page_ms",
            AtMost(1.0),
        ),
        against_itself(
            "embedded mode, delivered messages per second, against one instance on PostgreSQL",
            "≥ 0.8 ×",
            "closed_per_second_embedded",
            "closed_per_second_one_instance",
            AtLeast(0.8),
        ),
        alone("release binary, MiB", "≤ 25", "binary_mib", AtMost(25.0)),
        alone(
            "resident memory at start on SQLite, MiB",
            "≤ 15",
            "resident_mib_at_start",
            AtMost(15.0),
        ),
        alone(
            "time to first answer on SQLite, seconds",
            "≤ 0.5",
            "first_answer_seconds",
            AtMost(0.5),
        ),
    ]
}

fn better(figures: &Figures, rivals: &[&str], figure: &str, bound: Bound) -> Option<(String, f64)> {
    let medians = rivals
        .iter()
        .filter_map(|&rival| Some((rival.to_owned(), figures.median(rival, figure)?)));
    medians.reduce(|one, other| {
        let other_is_better = match bound {
            Bound::AtLeast(_) => other.1 > one.1,
            Bound::AtMost(_) => other.1 < one.1,
        };
        if other_is_better { other } else { one }
    })
}

fn standing(
    what: &'static str,
    goal: &'static str,
    duet: Option<f64>,
    other: Option<(String, f64)>,
    judged: Option<f64>,
    bound: Bound,
) -> Standing {
    Standing {
        what,
        goal,
        duet,
        other,
        judged,
        met: judged.map(|value| bound.holds(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(standings: &'a [Standing], words: &str) -> &'a Standing {
        standings
            .iter()
            .find(|one| one.what.contains(words))
            .unwrap()
    }

    #[test]
    fn the_better_rival_is_the_one_that_counts() {
        let mut figures = Figures::default();
        for (who, rate, p99) in [
            ("duet", 12_000.0, 5.0),
            ("go", 3_900.0, 26.0),
            ("node", 3_000.0, 30.0),
        ] {
            figures.add(who, "closed_per_second", rate);
            figures.add(who, "p99_ms_at_2000", p99);
        }
        let standings = standings(&figures, &["go", "node"]);
        let closed = find(&standings, "closed loop");
        assert_eq!(closed.other, Some(("go".to_owned(), 3_900.0)));
        assert_eq!(closed.met, Some(true));
        let p99 = find(&standings, "p99 at 2,000");
        assert_eq!(p99.other, Some(("go".to_owned(), 26.0)));
        assert_eq!(p99.met, Some(true));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let standings = standings(&Figures::default(), &["go"]);
        assert!(standings.iter().all(|one| one.met.is_none()));
    }
}
