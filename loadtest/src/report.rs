//! What every command's report can do: a table for people, JSON for programs, a page with plots, and a verdict.

use std::fmt;

use harness::checker::Verdict;
use serde::Serialize;

use crate::page::Page;

/// A run's result; its `Display` form is the table.
pub trait Report: fmt::Display + Serialize {
    /// How it went.
    fn outcome(&self) -> Outcome;

    /// The page with its plots.
    fn page(&self) -> Page;
}

/// How a run went; the exit code says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every promise was kept, and everything was answered.
    Kept,
    /// Something acknowledged was lost, doubled, reordered or altered.
    Broken,
    /// No promise was broken, but something was refused or never answered.
    Incomplete,
}

impl Outcome {
    /// By what the checker found, and whether the run's other promises were kept and all was answered.
    pub(crate) fn of(verdict: &Verdict, is_kept: bool, is_complete: bool) -> Self {
        match (
            verdict.is_clean() && is_kept,
            verdict.is_complete() && is_complete,
        ) {
            (false, _) => Self::Broken,
            (true, false) => Self::Incomplete,
            (true, true) => Self::Kept,
        }
    }
}
