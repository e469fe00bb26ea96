//! Everything that was measured, by contender and figure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The figures of a comparison.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    values: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
    failures: Vec<String>,
    /// Each contender's last report of each command of a session, for the plots.
    #[serde(skip)]
    reports: BTreeMap<(String, String), Value>,
}

impl Figures {
    pub(super) fn add(&mut self, contender: &str, figure: &str, value: f64) {
        let of_contender = self.values.entry(contender.to_owned()).or_default();
        of_contender
            .entry(figure.to_owned())
            .or_default()
            .push(value);
    }

    pub(super) fn keep(
        &mut self,
        contender: &str,
        (session, command): (&str, &str),
        report: Value,
    ) {
        let key = (contender.to_owned(), format!("{session}: {command}"));
        self.reports.insert(key, report);
    }

    pub(super) fn fail(&mut self, what: String) {
        self.failures.push(what);
    }

    /// What did not work.
    pub(super) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// A contender's values of a figure, in ascending order.
    pub(super) fn values(&self, contender: &str, figure: &str) -> Vec<f64> {
        let values = self.values.get(contender).and_then(|all| all.get(figure));
        let mut values = values.cloned().unwrap_or_default();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The one in the middle; of an even number the mean of the two in the middle.
    pub(super) fn median(&self, contender: &str, figure: &str) -> Option<f64> {
        let values = self.values(contender, figure);
        let (below, above) = (values.len().checked_sub(1)? / 2, values.len() / 2);
        Some((values[below] + values[above]) / 2.0)
    }

    /// The names of all figures that somebody has.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .values
            .values()
            .flat_map(BTreeMap::keys)
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// A contender's last report of the first command that contains these words behind the name of its session.
    pub(super) fn report(&self, contender: &str, words: &str) -> Option<&Value> {
        let mut reports = self.reports.iter();
        let found = reports.find(|((who, command), _)| who == contender && command.contains(words));
        found.map(|(_, report)| report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        let mut figures = Figures::default();
        assert_eq!(figures.median("duet", "x"), None);
        for value in [3.0, 1.0, 2.0] {
            figures.add("duet", "x", value);
        }
        assert_eq!(figures.median("duet", "x"), Some(2.0));
        figures.add("duet", "x", 4.0);
        assert_eq!(figures.median("duet", "x"), Some(2.5));
        assert_eq!(figures.median("go", "x"), None);
    }
}
