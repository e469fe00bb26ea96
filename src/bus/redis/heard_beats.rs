//! Detects deaf sockets. Every instance publishes beats on a channel of its own at each shard, and listens to it.
//!
//! A socket is deaf when a beat that Redis has accepted does not come back, because Redis writes it to the subscriber
//! before it replies to the publisher. While Redis accepts no beats nothing can be said about the socket.

use std::time::{Duration, Instant};

/// Consecutive probes that miss an accepted beat before the socket counts as deaf.
const MISSED_PROBES_MAX: u32 = 2;

/// The beats of one shard's connection.
#[derive(Default)]
pub(super) struct HeardBeats {
    last: LastBeats,
    /// The last beat before the latest failure; only later ones show that the shard works.
    failed_at: u64,
    heard_at: Option<Instant>,
    /// As they were at the last probe.
    probed: LastBeats,
    missed_probes: u32,
}

#[derive(Clone, Copy, Default)]
struct LastBeats {
    /// The last own beat that Redis accepted.
    accepted: u64,
    /// The last own beat that came back.
    heard: u64,
}

/// The result of a probe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProbeResult {
    /// A beat has come back since the last probe.
    Hears,
    /// None has, for an unknown reason.
    Inconclusive,
    /// The socket is open and delivers nothing.
    Deaf,
}

impl HeardBeats {
    /// Called when a new connection starts to listen.
    pub(super) fn start_over(&mut self) {
        self.last.heard = self.last.accepted;
        self.fail();
        self.missed_probes = 0;
        self.probed = self.last;
    }

    /// Redis accepted an own beat. Returns whether beats have been both accepted and heard since the last failure.
    pub(super) fn accept(&mut self, beat: u64) -> bool {
        self.last.accepted = self.last.accepted.max(beat);
        self.works()
    }

    /// An own beat came back; returns the same.
    pub(super) fn hear(&mut self, beat: u64) -> bool {
        self.last.heard = self.last.heard.max(beat);
        self.heard_at = Some(Instant::now());
        self.works()
    }

    /// Something failed: only later beats show that the shard works again.
    pub(super) fn fail(&mut self) {
        self.failed_at = self.last.accepted.max(self.last.heard);
    }

    fn works(&self) -> bool {
        self.last.accepted > self.failed_at && self.last.heard > self.failed_at
    }

    /// Probes the socket; to be called once per beat.
    pub(super) fn probe(&mut self) -> ProbeResult {
        let before = std::mem::replace(&mut self.probed, self.last);
        self.missed_probes = match self.last.heard < before.accepted {
            true => self.missed_probes + 1,
            false => 0,
        };
        if self.missed_probes >= MISSED_PROBES_MAX {
            return ProbeResult::Deaf;
        }
        match self.last.heard > before.heard {
            true => ProbeResult::Hears,
            false => ProbeResult::Inconclusive,
        }
    }

    /// How long ago an own beat was last heard.
    pub(super) fn age(&self) -> Duration {
        self.heard_at.map_or(Duration::ZERO, |at| at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that hears one beat per probe.
    struct Beating(HeardBeats, u64);

    impl Beating {
        fn new() -> Self {
            Self(HeardBeats::default(), 0)
        }

        fn beat(&mut self) -> ProbeResult {
            self.1 += 1;
            self.0.accept(self.1);
            self.0.hear(self.1);
            self.0.probe()
        }
    }

    #[test]
    fn a_socket_is_deaf_when_an_accepted_beat_does_not_come_back() {
        let mut beating = Beating::new();
        assert_eq!(beating.beat(), ProbeResult::Hears);
        beating.0.accept(9);
        let probes: Vec<ProbeResult> = (0..3).map(|_| beating.0.probe()).collect();
        assert_eq!(
            probes,
            [
                ProbeResult::Inconclusive,
                ProbeResult::Inconclusive,
                ProbeResult::Deaf
            ]
        );
        beating.0.start_over();
        assert_eq!(beating.0.probe(), ProbeResult::Inconclusive);
    }

    #[test]
    fn while_redis_accepts_no_beat_the_probe_is_inconclusive() {
        let mut beating = Beating::new();
        beating.beat();
        assert!((0..100).all(|_| beating.0.probe() == ProbeResult::Inconclusive));
        assert_eq!(beating.beat(), ProbeResult::Hears);
    }
}
