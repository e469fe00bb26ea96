//! The goals, and what of them is met.

mod list;

use serde::Serialize;

use super::figures::Figures;
use list::GOALS;

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

struct Goal {
    what: &'static str,
    goal: &'static str,
    figure: &'static str,
    against: Against,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Against {
    /// The better of those that speak duet's API.
    Rivals,
    /// The contender of this name.
    One(&'static str),
    /// Another figure of duet.
    Itself(&'static str),
    /// As much more than a server that does nothing.
    AboveBare,
    Nobody,
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
    let standings = GOALS.iter().map(|goal| goal.standing(figures, rivals));
    standings.collect()
}

impl Goal {
    fn standing(&self, figures: &Figures, rivals: &[&str]) -> Standing {
        let Self {
            what,
            goal,
            figure,
            against,
            bound,
        } = *self;
        let of = |who: &str| Some((who.to_owned(), figures.median(who, figure)?));
        let mut duet = figures.median("duet", figure);
        let other = match against {
            Against::Rivals => better(rivals.iter().filter_map(|rival| of(rival)), bound),
            Against::One(name) => of(name),
            Against::Itself(figure) => {
                let value = figures.median("duet", figure);
                value.map(|value| ("itself".to_owned(), value))
            }
            Against::AboveBare => of("bare"),
            Against::Nobody => None,
        };
        let beside = |judge: fn(f64, f64) -> f64| {
            let (_, other) = other.as_ref()?;
            Some(judge(duet?, *other))
        };
        let judged = match against {
            Against::Nobody => {
                duet = duet.or_else(|| figures.median("floor", figure));
                duet
            }
            Against::AboveBare => beside(|duet, bare| duet - bare),
            _ => beside(|duet, other| duet / other),
        };
        Standing {
            what,
            goal,
            duet,
            other,
            judged,
            met: judged.map(|value| bound.holds(value)),
        }
    }
}

fn better(medians: impl Iterator<Item = (String, f64)>, bound: Bound) -> Option<(String, f64)> {
    medians.reduce(|one, other| {
        let other_is_better = match bound {
            Bound::AtLeast(_) => other.1 > one.1,
            Bound::AtMost(_) => other.1 < one.1,
        };
        if other_is_better { other } else { one }
    })
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
    fn a_packaged_system_has_goals_of_its_own() {
        let mut figures = Figures::default();
        for (who, rate) in [("duet", 9_000.0), ("go", 3_000.0), ("ejabberd", 1_600.0)] {
            figures.add(who, "closed_per_second", rate);
        }
        let standings = standings(&figures, &["go"]);
        let ejabberd = standings.iter().find(|one| {
            let other = one.other.as_ref();
            other.is_some_and(|(name, _)| name == "ejabberd")
        });
        let ejabberd = ejabberd.unwrap();
        assert_eq!((ejabberd.judged, ejabberd.met), (Some(5.625), Some(false)));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let standings = standings(&Figures::default(), &["go"]);
        assert!(standings.iter().all(|one| one.met.is_none()));
    }
}
