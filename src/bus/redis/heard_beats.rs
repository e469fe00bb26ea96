//! Who is heard. Every instance beats on a channel of each shard, and listens for itself and its
//! peers.
//!
//! A socket is deaf when a beat that Redis has taken does not come back: Redis writes it to its
//! listeners before it answers. While Redis takes none, as when it is stopped or far away, nothing
//! can be said about the socket. In the same way the silence of a peer counts only while this
//! instance hears itself, and in beats, not in time: an instance that was itself stopped blames
//! nobody.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Looks in a row that miss a beat which Redis has taken, after which the socket counts as deaf.
const MISSED_LOOKS_MAX: u32 = 2;
/// Own beats without one of a peer, after which that peer counts as gone; its lease is out then.
pub(super) const SILENT_BEATS_MAX: u32 = 10;
/// Own beats after which a peer that is gone is forgotten: a quarter of an hour.
const FORGOTTEN_AFTER_BEATS: u32 = 4_500;

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
    /// How many own beats ago each peer was heard.
    peers: HashMap<String, u32>,
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
    /// All is as it should be, as far as can be said.
    Fine,
    /// The socket is open and brings nothing.
    Deaf,
    /// A peer is gone. It may have died between a commit and its notice.
    PeerGone,
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
        self.peers.values_mut().for_each(|silent| *silent = 0);
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

    /// The peers that are heard.
    pub(super) fn peers(&self) -> impl Iterator<Item = &str> {
        let living = self
            .peers
            .iter()
            .filter(|(_, silent)| **silent < SILENT_BEATS_MAX);
        living.map(|(peer, _)| peer.as_str())
    }

    /// A peer's beat came. Answers whether it had been given up: it may have counted as gone for
    /// nothing, or have missed what was said meanwhile.
    pub(super) fn hear_peer(&mut self, peer: &str) -> bool {
        match self.peers.get_mut(peer) {
            Some(silent) => std::mem::take(silent) >= SILENT_BEATS_MAX,
            None => {
                self.peers.insert(peer.to_owned(), 0);
                false
            }
        }
    }

    /// A peer has said its last word.
    pub(super) fn lose_peer(&mut self, peer: &str) {
        self.peers.remove(peer);
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
        if self.heard == last.heard {
            return Verdict::Fine;
        }
        let mut gone = false;
        self.peers.retain(|_, silent| {
            *silent += 1;
            gone |= *silent == SILENT_BEATS_MAX;
            *silent < FORGOTTEN_AFTER_BEATS
        });
        match gone {
            true => Verdict::PeerGone,
            false => Verdict::Fine,
        }
    }

    /// Whether a peer is known to live.
    pub(super) fn lives(&self, peer: &str) -> bool {
        let silent = self.peers.get(peer);
        silent.is_some_and(|silent| *silent < SILENT_BEATS_MAX)
    }

    /// How many instances are heard, this one included.
    pub(super) fn living(&self) -> usize {
        let living = |silent: &&u32| **silent < SILENT_BEATS_MAX;
        1 + self.peers.values().filter(living).count()
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
        assert_eq!(ears.beat(), Verdict::Fine);
        ears.0.taken(9);
        let looks: Vec<Verdict> = (0..3).map(|_| ears.0.look()).collect();
        assert_eq!(looks, [Verdict::Fine, Verdict::Fine, Verdict::Deaf]);
        ears.0.start_over();
        assert_eq!(ears.0.look(), Verdict::Fine);
    }

    #[test]
    fn while_redis_takes_no_beat_nobody_is_blamed() {
        let mut ears = Ears::new();
        ears.0.hear_peer("peer");
        ears.beat();
        for _ in 0..100 {
            assert_eq!(ears.0.look(), Verdict::Fine);
        }
        assert!(ears.0.lives("peer"));
    }

    #[test]
    fn a_silent_peer_is_gone_once_and_its_return_is_told() {
        let mut ears = Ears::new();
        assert!(!ears.0.hear_peer("peer"));
        let mut verdicts = (0..SILENT_BEATS_MAX * 3).map(|_| ears.beat());
        let gone = verdicts.position(|verdict| verdict == Verdict::PeerGone);
        assert_eq!(gone, Some(SILENT_BEATS_MAX as usize - 1));
        assert!(verdicts.all(|verdict| verdict == Verdict::Fine));
        assert_eq!((ears.0.lives("peer"), ears.0.living()), (false, 1));
        assert!(ears.0.hear_peer("peer"));
        assert!(!ears.0.hear_peer("peer"));
        assert_eq!((ears.0.lives("peer"), ears.0.living()), (true, 2));
    }

    #[test]
    fn peers_that_are_gone_for_long_are_forgotten() {
        let mut ears = Ears::new();
        ears.0.hear_peer("peer");
        for _ in 0..FORGOTTEN_AFTER_BEATS {
            ears.beat();
        }
        assert!(ears.0.peers.is_empty());
    }
}
