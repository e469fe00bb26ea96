//! Which instances there are at a shard, and which of them this one watches.
//!
//! Redis holds a list of the instances, with a stamp that changes whenever the list does. An instance asks for the stamp
//! with every beat, and reads the list when it is a new one. The names in their order form a ring, and each instance watches
//! the leases of the two that follow it there. So each is watched by two, however many there are, and what all of this
//! costs grows with their number and not with its square.
//!
//! Silence counts only while this instance hears itself, and in beats, not in time: one that was itself stopped or cut off
//! blames nobody. Nor does it after a fault of its own until the others have had the time to renew their leases.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound::{Excluded, Unbounded},
};

use super::heartbeat::LEASE_BEATS;

/// How many of those that follow it an instance watches: one may die together with the only one that would have noticed.
const WATCHED: usize = 2;
/// Own beats without a peer on the list, after which it counts as gone. That is the last resort, for a Redis that has lost
/// its memory: one that dies or leaves is announced.
pub(super) const UNLISTED_BEATS_MAX: u32 = LEASE_BEATS + 2;
/// Own beats after which a peer that is gone is forgotten: a quarter of an hour.
const FORGOTTEN_AFTER_BEATS: u32 = 4_500;

/// The instances of one shard.
#[derive(Default)]
pub(super) struct Members {
    /// That of the list as it was last read.
    stamp: Option<String>,
    /// The names on it, this instance's among them.
    listed: BTreeSet<String>,
    /// How many own beats ago each peer was last on the list; [`UNLISTED_BEATS_MAX`] and more for one that is gone.
    peers: HashMap<String, u32>,
    /// Own beats to come before anybody is blamed.
    pardon_beats: u32,
}

impl Members {
    /// Whether the list has changed since it was read.
    pub(super) fn is_outdated(&self, stamp: Option<&str>) -> bool {
        stamp.is_none() || self.stamp.as_deref() != stamp
    }

    /// Whether somebody is on the list whose lease was out when it was read, and who may have renewed it since.
    pub(super) fn has_unknown(&self, own: &str) -> bool {
        let mut others = self.listed.iter().filter(|name| *name != own);
        others.any(|name| !self.lives(name))
    }

    /// Those on a list that are not known to live. Their leases tell.
    pub(super) fn unknown(&self, listed: &BTreeSet<String>, own: &str) -> Vec<String> {
        let others = listed.iter().filter(|name| *name != own);
        others.filter(|name| !self.lives(name)).cloned().collect()
    }

    /// The list has been read, and of those on it that were unknown these have a lease. Answers whether one of them had
    /// counted as gone: it may have done so for nothing, or have missed what was said meanwhile.
    pub(super) fn read(
        &mut self,
        stamp: Option<String>,
        listed: BTreeSet<String>,
        leased: Vec<String>,
    ) -> bool {
        (self.stamp, self.listed) = (stamp, listed);
        let mut returned = false;
        for name in leased {
            returned |= self.peers.insert(name, 0).is_some();
        }
        returned
    }

    /// Those whose leases this instance watches.
    pub(super) fn watched(&self, own: &str) -> Vec<String> {
        let after = self.listed.range::<str, _>((Excluded(own), Unbounded));
        let before = self.listed.range::<str, _>((Unbounded, Excluded(own)));
        after.chain(before).take(WATCHED).cloned().collect()
    }

    /// Something was wrong with this instance or its way to Redis: nobody is to be blamed for a while.
    pub(super) fn pardon(&mut self) {
        self.pardon_beats = UNLISTED_BEATS_MAX;
    }

    /// Whether a lease that is out shows that its instance is dead.
    pub(super) fn may_blame(&self) -> bool {
        self.pardon_beats == 0
    }

    /// A peer has died. Answers whether it was believed to live.
    pub(super) fn bury(&mut self, peer: &str) -> bool {
        self.strike_out(peer);
        let beats = self.peers.get_mut(peer);
        beats.is_some_and(|beats| std::mem::replace(beats, UNLISTED_BEATS_MAX) < UNLISTED_BEATS_MAX)
    }

    /// A peer has said that it leaves.
    pub(super) fn leave(&mut self, peer: &str) {
        self.strike_out(peer);
        self.peers.remove(peer);
    }

    /// The list is read again in any case: by the time one hears of it, the peer may have entered itself anew.
    fn strike_out(&mut self, peer: &str) {
        self.listed.remove(peer);
        self.stamp = None;
    }

    /// To be called once for every own beat that was heard; answers whether a peer has been off the list for too long.
    pub(super) fn look(&mut self) -> bool {
        if self.pardon_beats > 0 {
            self.pardon_beats -= 1;
            return false;
        }
        let mut gone = false;
        self.peers.retain(|name, beats| {
            *beats = match *beats < UNLISTED_BEATS_MAX && self.listed.contains(name) {
                true => 0,
                false => *beats + 1,
            };
            gone |= *beats == UNLISTED_BEATS_MAX;
            *beats < FORGOTTEN_AFTER_BEATS
        });
        gone
    }

    /// Whether a peer is known to live.
    pub(super) fn lives(&self, peer: &str) -> bool {
        let beats = self.peers.get(peer);
        beats.is_some_and(|beats| *beats < UNLISTED_BEATS_MAX)
    }

    /// The peers that live.
    pub(super) fn living(&self) -> impl Iterator<Item = &str> {
        let living = self
            .peers
            .iter()
            .filter(|(_, beats)| **beats < UNLISTED_BEATS_MAX);
        living.map(|(peer, _)| peer.as_str())
    }

    /// Whether all of them are on the list. Where Redis has lost it, it has also lost what they wrote down.
    pub(super) fn are_listed(&self) -> bool {
        self.living().all(|peer| self.listed.contains(peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &str) -> BTreeSet<String> {
        names.split_whitespace().map(Into::into).collect()
    }

    /// Reads a list on which everybody has a lease.
    fn read(members: &mut Members, listed: &str) -> bool {
        let listed = names(listed);
        let leased = members.unknown(&listed, "me");
        members.read(Some("stamp".into()), listed, leased)
    }

    fn member(listed: &str) -> Members {
        let mut members = Members::default();
        assert!(!read(&mut members, listed));
        members
    }

    #[test]
    fn each_is_watched_by_the_two_before_it_and_nobody_watches_more() {
        for count in 2..20 {
            let all: Vec<String> = (0..count).map(|number| format!("{number:02}")).collect();
            let members = Members {
                listed: all.iter().cloned().collect(),
                ..Members::default()
            };
            let mut watchers = HashMap::<String, usize>::new();
            for own in &all {
                let watched = members.watched(own);
                assert!(!watched.contains(own));
                assert_eq!(watched.len(), WATCHED.min(count - 1));
                for name in watched {
                    *watchers.entry(name).or_default() += 1;
                }
            }
            let by_each = WATCHED.min(count - 1);
            assert!(all.iter().all(|name| watchers[name] == by_each));
        }
    }

    #[test]
    fn whoever_is_alone_or_not_on_the_list_yet_is_no_special_case() {
        assert!(member("me").watched("me").is_empty());
        assert_eq!(member("a z").watched("me"), ["z", "a"]);
        assert!(member("").watched("me").is_empty());
    }

    #[test]
    fn a_name_without_a_lease_is_watched_and_does_not_count_as_living() {
        let mut members = Members::default();
        members.read(Some("stamp".into()), names("me ghost"), Vec::new());
        assert_eq!(members.living().count(), 0);
        assert!(members.has_unknown("me"), "it may live after all");
        assert_eq!(members.watched("me"), ["ghost"]);
        assert!(!members.bury("ghost"), "nobody missed it");
        assert!(members.watched("me").is_empty());
    }

    #[test]
    fn a_death_counts_once_and_a_return_is_told() {
        let mut members = member("me peer");
        assert!(members.bury("peer"));
        assert!(!members.bury("peer"));
        assert!(members.is_outdated(Some("stamp")), "it may be back already");
        assert!(!(0..100).any(|_| members.look()), "it was told already");
        assert!(!members.lives("peer"));
        assert!(read(&mut members, "me peer"));
        assert!(members.lives("peer"));
        assert!(!read(&mut members, "me peer"));
        members.leave("peer");
        assert!(
            !read(&mut members, "me peer"),
            "it said that it would leave"
        );
    }

    #[test]
    fn one_that_is_off_the_list_is_gone_after_some_beats_and_forgotten_after_many() {
        let mut members = member("me peer");
        read(&mut members, "me");
        let mut looks = (0..FORGOTTEN_AFTER_BEATS).map(|_| members.look());
        let gone = looks.position(|gone| gone);
        assert_eq!(gone, Some(UNLISTED_BEATS_MAX as usize - 1));
        assert!(!looks.any(|gone| gone));
        assert!(members.peers.is_empty());
    }

    #[test]
    fn after_a_fault_of_its_own_an_instance_blames_nobody_for_a_while() {
        let mut members = member("me peer");
        assert!(members.may_blame());
        read(&mut members, "me");
        members.pardon();
        for _ in 0..UNLISTED_BEATS_MAX {
            assert!(!members.may_blame() && !members.look());
        }
        assert!(members.may_blame() && members.lives("peer"));
        read(&mut members, "me peer");
        assert!(!(0..100).any(|_| members.look()));
    }

    #[test]
    fn a_list_without_a_stamp_and_one_with_another_are_to_be_read() {
        let members = member("me");
        assert!(!members.is_outdated(Some("stamp")));
        assert!(members.is_outdated(Some("other")) && members.is_outdated(None));
        assert!(Members::default().is_outdated(None));
    }
}
