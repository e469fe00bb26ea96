//! What happens when: rounds drawn from a seed, so that a run can be repeated.

use std::{collections::VecDeque, time::Duration};

use harness::faults::Fault;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Messages flow for so long before a fault begins.
pub(super) const LEAD: Duration = Duration::from_millis(300);
/// How much of a fault messages are sent through, in percent: mostly they end before it does, and
/// what was lost has to be found without the help of a further message.
const SENDING_PERCENT: std::ops::RangeInclusive<u32> = 20..=120;
/// An instance that is killed with unpublished messages must have answered the last of them.
const SENDING_BEFORE_DEATH_PERCENT: std::ops::RangeInclusive<u32> = 20..=60;

/// One fault, and how long messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) fault: Fault,
    /// The number of the instance that it happens to.
    pub(super) member: usize,
    pub(super) lasts: Duration,
    /// From [`LEAD`] before the fault.
    pub(super) sending: Duration,
}

/// Rounds without end: all faults in a drawn order, then all again in another one.
#[derive(Debug)]
pub(super) struct Schedule {
    draw: StdRng,
    faults: Vec<Fault>,
    instances: usize,
    next: VecDeque<Fault>,
}

impl Schedule {
    pub(super) fn new(seed: u64, faults: &[Fault], instances: usize) -> Self {
        Self {
            draw: StdRng::seed_from_u64(seed),
            faults: faults.to_vec(),
            instances,
            next: VecDeque::new(),
        }
    }
}

impl Iterator for Schedule {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        if self.next.is_empty() {
            self.faults.shuffle(&mut self.draw);
            self.next.extend(&self.faults);
        }
        let fault = self.next.pop_front()?;
        let lasts = Duration::from_millis(self.draw.random_range(fault.lasts_ms()));
        let percent = match fault {
            Fault::InstanceKilledBeforePublishing => SENDING_BEFORE_DEATH_PERCENT,
            _ => SENDING_PERCENT,
        };
        let sending = LEAD + lasts * self.draw.random_range(percent) / 100;
        Some(Round {
            fault,
            member: self.draw.random_range(0..self.instances),
            lasts,
            sending,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn rounds(seed: u64, count: usize) -> Vec<Round> {
        Schedule::new(seed, Fault::value_variants(), 2)
            .take(count)
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_one_another() {
        assert_eq!(rounds(7, 100), rounds(7, 100));
        assert_ne!(rounds(7, 100), rounds(8, 100));
    }

    #[test]
    fn every_fault_has_its_turn_before_one_comes_again() {
        let all = Fault::value_variants();
        let rounds = rounds(1, 3 * all.len());
        for turn in rounds.chunks(all.len()) {
            for fault in all {
                assert!(turn.iter().any(|round| round.fault == *fault), "{fault}");
            }
        }
        assert!(rounds.iter().any(|round| round.member == 0));
        assert!(rounds.iter().any(|round| round.member == 1));
    }
}
