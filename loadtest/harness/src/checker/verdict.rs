//! The verdict: how often which promise was broken, and where.

use std::fmt;

use serde::Serialize;

/// More would hide the first ones, which tell the most.
const FINDINGS_MAX: usize = 20;

/// What a ledger came to. A message that goes wrong in two views counts twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Messages whose send was answered with success.
    pub acknowledged: u64,
    /// Messages that were seen on a stream or in the history without having been acknowledged.
    pub unacknowledged: u64,
    /// Messages that never appeared where they had to.
    pub lost: u64,
    /// Appearances beyond the first, by `id` or by `seq`.
    pub doubled: u64,
    /// Appearances after one with a higher `seq`.
    pub reordered: u64,
    /// Messages whose text, or whose `seq`, differs from what was acknowledged or shown elsewhere.
    pub altered: u64,
    /// Numbers below a view's highest `seq` that never appeared in it.
    pub gaps: u64,
    /// Histories that could not be read.
    pub unread: u64,
    /// The first findings, one sentence each.
    pub findings: Vec<String>,
}

impl Verdict {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.altered + self.gaps == 0
    }

    /// Whether every history could be read.
    pub fn is_complete(&self) -> bool {
        self.unread == 0
    }

    /// Takes what another ledger came to into the account.
    pub fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.unacknowledged += other.unacknowledged;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.altered += other.altered;
        self.gaps += other.gaps;
        self.unread += other.unread;
        for finding in other.findings {
            self.find(|| finding);
        }
    }

    pub(super) fn find(&mut self, finding: impl FnOnce() -> String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding());
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} lost, {} doubled, {} reordered, {} altered, {} gaps in {} acknowledged messages",
            self.lost, self.doubled, self.reordered, self.altered, self.gaps, self.acknowledged
        )?;
        if self.unread > 0 {
            write!(f, "; {} histories could not be read", self.unread)?;
        }
        self.findings
            .iter()
            .try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}
