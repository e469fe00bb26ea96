//! Whether this instance hears. Every instance beats on a channel of its own at each shard, and listens to it.
//!
//! A socket is deaf when a beat that Redis has taken does not come back: Redis writes it to its listener before it answers.
//! While Redis takes none, as when it is stopped or far away, nothing can be said about the socket.

use std::time::{Duration, Instant};

/// Looks in a row that miss a beat which Redis has taken, after which the socket counts as deaf.
const MISSED_LOOKS_MAX: u32 = 2;
/// What one shard's connection hears.
#[derive(Default)]
pub(super) struct HeardBeats {
    /// The last own beat that Redis has taken.
    taken: u64,
    /// The last own beat that came back.
    heard: u64,
    /// Beats up to here say nothing about the present: something has failed since.
    failed_at: u64,
    heard_at: Option<Instant>,
    last_look: Look,
    missed_looks: u32,
}

/// How things stood at the last look.
#[derive(Default)]
struct Look {
    taken: u64,
    heard: u64,
}

/// What a look shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A beat has come back since the last look.
    Hears,
    /// None has, and it cannot be said why.
    Unclear,
    /// The socket is open and brings nothing.
    Deaf,
}

impl HeardBeats {
    /// A new connection starts to listen.
    pub(super) fn start_over(&mut self) {
        self.heard = self.taken;
        self.fail();
        self.missed_looks = 0;
        self.last_look = Look {
            taken: self.taken,
            heard: self.heard,
        };
    }

    /// Redis has taken an own beat. Answers whether one has both been taken and heard of late.
    pub(super) fn taken(&mut self, beat: u64) -> bool {
        self.taken = self.taken.max(beat);
        self.is_sound()
    }

    /// An own beat came back; answers the same.
    pub(super) fn hear_itself(&mut self, beat: u64) -> bool {
        self.heard = self.heard.max(beat);
        self.heard_at = Some(Instant::now());
        self.is_sound()
    }

    /// Something failed: only later beats show that all is well again.
    pub(super) fn fail(&mut self) {
        self.failed_at = self.taken.max(self.heard);
    }

    fn is_sound(&self) -> bool {
        self.taken > self.failed_at && self.heard > self.failed_at
    }

    /// Looks again; to be done once per beat.
    pub(super) fn look(&mut self) -> Verdict {
        let look = Look {
            taken: self.taken,
            heard: self.heard,
        };
        let last = std::mem::replace(&mut self.last_look, look);
        self.missed_looks = match self.heard < last.taken {
            true => self.missed_looks + 1,
            false => 0,
        };
        if self.missed_looks >= MISSED_LOOKS_MAX {
            return Verdict::Deaf;
        }
        match self.heard > last.heard {
            true => Verdict::Hears,
            false => Verdict::Unclear,
        }
    }

    /// How long ago this instance heard itself.
    pub(super) fn age(&self) -> Duration {
        self.heard_at.map_or(Duration::ZERO, |at| at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that hears itself once per look.
    struct Ears(HeardBeats, u64);

    impl Ears {
        fn new() -> Self {
            Self(HeardBeats::default(), 0)
        }

        fn beat(&mut self) -> Verdict {
            self.1 += 1;
            self.0.taken(self.1);
            self.0.hear_itself(self.1);
            self.0.look()
        }
    }

    #[test]
    fn a_beat_that_redis_took_and_that_does_not_come_back_shows_a_deaf_socket() {
        let mut ears = Ears::new();
        assert_eq!(ears.beat(), Verdict::Hears);
        ears.0.taken(9);
        let looks: Vec<Verdict> = (0..3).map(|_| ears.0.look()).collect();
        assert_eq!(looks, [Verdict::Unclear, Verdict::Unclear, Verdict::Deaf]);
        ears.0.start_over();
        assert_eq!(ears.0.look(), Verdict::Unclear);
    }

    #[test]
    fn while_redis_takes_no_beat_nothing_is_said_about_the_socket() {
        let mut ears = Ears::new();
        ears.beat();
        assert!((0..100).all(|_| ears.0.look() == Verdict::Unclear));
        assert_eq!(ears.beat(), Verdict::Hears);
    }
}
