//! Message ids that carry when a message was due and who sent it.
//!
//! A delivery comes back with nothing but its id, `seq` and text. With the due time in the id, its latency is known
//! without a table of everything under way, and a message of another run is told from one's own.

use std::time::{Duration, Instant};

use harness::checker::Seat;
use uuid::Uuid;

const RUN_BITS: u32 = 48;
const NUMBER_BITS: u32 = 11;
const DUE_BITS: u32 = 62;

/// The run's clock, and the mark its ids carry.
#[derive(Clone, Copy, Debug)]
pub struct Stamps {
    started: Instant,
    run: u128,
}

impl Stamps {
    /// Starts the clock.
    pub fn starting_now() -> Self {
        // A version 4 id is random but for its version and variant, both outside the 48 bits taken here.
        Self {
            started: Instant::now(),
            run: Uuid::new_v4().as_u128() >> (128 - RUN_BITS),
        }
    }

    /// The moment the clock started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// How long the run has lasted.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The id (version 8) of message `number`, due this long after the start. One chat must not have two messages due
    /// in one nanosecond whose numbers agree in 11 bits; none does.
    pub fn id(&self, due: Duration, from: Seat, number: u64) -> Uuid {
        let number = u128::from(number) & ((1 << NUMBER_BITS) - 1);
        let seat = u128::from(from == Seat::Two) << NUMBER_BITS;
        let due = due.as_nanos() & ((1 << DUE_BITS) - 1);
        // Version and variant lie between the three parts; the constructor puts them there.
        Uuid::new_v8((self.run << (128 - RUN_BITS) | (seat | number) << 64 | due).to_be_bytes())
    }

    /// When the message was due and who sent it; `None` for an id of another run.
    pub fn read(&self, id: Uuid) -> Option<(Duration, Seat)> {
        let bits = id.as_u128();
        if bits >> (128 - RUN_BITS) != self.run || id.get_version_num() != 8 {
            return None;
        }
        let from = if bits >> 64 & 1 << NUMBER_BITS == 0 {
            Seat::One
        } else {
            Seat::Two
        };
        let nanoseconds = bits as u64 & ((1 << DUE_BITS) - 1);
        Some((Duration::from_nanos(nanoseconds), from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_back_what_it_was_made_of() {
        let stamps = Stamps::starting_now();
        for (due, from, number) in [
            (0, Seat::One, 0),
            (1, Seat::Two, 2047),
            (86_400_000_000_123, Seat::Two, u64::MAX),
        ] {
            let due = Duration::from_nanos(due);
            assert_eq!(stamps.read(stamps.id(due, from, number)), Some((due, from)));
        }
    }

    #[test]
    fn an_id_of_another_run_is_not_ones_own() {
        let (one, other) = (Stamps::starting_now(), Stamps::starting_now());
        assert_eq!(one.read(other.id(Duration::ZERO, Seat::One, 1)), None);
        assert_eq!(one.read(Uuid::new_v4()), None);
    }

    #[test]
    fn messages_due_at_once_have_different_ids() {
        let stamps = Stamps::starting_now();
        let ids: std::collections::HashSet<_> = (0..2048)
            .map(|number| stamps.id(Duration::ZERO, Seat::One, number))
            .collect();
        assert_eq!(ids.len(), 2048);
    }
}
