//! The members: the instances at a shard, and which of them this one watches.
//!
//! Redis holds a list of the instances with a stamp that changes whenever the list does. An instance reads the stamp with
//! every beat, and the list when the stamp is new. The names in their order form a ring, and each instance watches the
//! leases of the two that follow it. So each is watched by two, however many there are, and the total cost grows with
//! their number and not with its square.
//!
//! A missing lease counts only while this instance hears its own beats, and time is counted in beats: an instance that
//! was itself suspended or cut off declares nobody dead. After a fault of its own it also waits until the others had time
//! to renew their leases.
//!
//! After a fault Redis may have older data. So an instance enters itself again, under the same name with a higher number,
//! when it has written all its presence anew. After a fault of its own an instance awaits that of the others, for as long
//! as the grace lasts: perhaps Redis was there for them all the time.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound::{Excluded, Unbounded},
};

use super::heartbeat::LEASE_BEATS;

/// How many successors an instance watches. With one, two neighbours that die together would go unnoticed.
const WATCHED: usize = 2;
/// After this many own beats off the list a peer counts as gone. A last resort for a Redis that has lost its data:
/// normally a peer that dies or leaves is announced.
pub(super) const UNLISTED_BEATS_MAX: u32 = LEASE_BEATS + 2;
/// After this many own beats a gone peer is forgotten: a quarter of an hour.
const FORGOTTEN_AFTER_BEATS: u32 = 4_500;

/// The list of instances, with the numbers of their entries.
pub(super) type List = BTreeMap<String, u64>;

/// The instances of one shard.
#[derive(Default)]
pub(super) struct Members {
    /// The stamp of the list that was last read.
    stamp: Option<String>,
    /// The names on it, this instance's among them, each with the number of its entry.
    listed: List,
    peers: HashMap<String, Peer>,
    /// Own beats until peers may be declared dead again.
    grace_beats: u32,
}

/// Another instance.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Peer {
    /// How many own beats ago it was last on the list; [`UNLISTED_BEATS_MAX`] and more for a gone one.
    unlisted_beats: u32,
    /// Whether it was alive before a fault or at the server before this one, and perhaps has not written its presence anew.
    awaited: bool,
}

impl Peer {
    const HERE: Self = Self {
        unlisted_beats: 0,
        awaited: false,
    };
    const GONE: Self = Self {
        unlisted_beats: UNLISTED_BEATS_MAX,
        awaited: false,
    };

    fn is_alive(&self) -> bool {
        self.unlisted_beats < UNLISTED_BEATS_MAX
    }

    fn is_here(&self) -> bool {
        self.is_alive() && !self.awaited
    }
}

impl Members {
    /// Those of the server that takes this one's place, where the living peers are awaited.
    pub(super) fn hand_over(&self) -> Self {
        let mut members = Self {
            listed: self.listed.clone(),
            peers: self.peers.clone(),
            ..Self::default()
        };
        members.await_all();
        members
    }

    /// Redis may have older data, or none: the living peers are awaited.
    pub(super) fn await_all(&mut self) {
        self.start_grace();
        for peer in self.peers.values_mut() {
            peer.awaited = peer.is_alive();
        }
    }

    /// Whether the list has changed since it was read.
    pub(super) fn is_outdated(&self, stamp: Option<&str>) -> bool {
        stamp.is_none() || self.stamp.as_deref() != stamp
    }

    /// Whether the list has an instance without a lease when it was read, which may have renewed it since.
    pub(super) fn has_unknown(&self, own: &str) -> bool {
        !self.unknown(self.listed.keys(), own).is_empty()
    }

    /// The others among these instances that are not known to be alive; their leases must be checked.
    pub(super) fn unknown<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
        own: &str,
    ) -> Vec<String> {
        let is_here = |name: &String| self.peers.get(name).is_some_and(Peer::is_here);
        let others = names.into_iter().filter(|name| *name != own);
        others.filter(|name| !is_here(name)).cloned().collect()
    }

    /// Takes over a list that was read; `leased` are the unknown instances on it that have a lease. Returns whether one
    /// of them had counted as gone, or the last awaited one has come: notices between it and this instance may have been
    /// missed meanwhile.
    pub(super) fn read(
        &mut self,
        stamp: Option<String>,
        listed: List,
        leased: Vec<String>,
    ) -> bool {
        let (mut returned, mut came) = (false, false);
        for name in leased {
            // On the list without a lease it counted as gone too.
            let had_no_lease = self.listed.contains_key(&name);
            let has_entered = listed.get(&name) > self.listed.get(&name);
            match self.peers.get(&name) {
                Some(before) if before.awaited => match has_entered || self.grace_beats == 0 {
                    true => came = true,
                    false => continue,
                },
                before => returned |= had_no_lease || before.is_some(),
            }
            self.peers.insert(name, Peer::HERE);
        }
        (self.stamp, self.listed) = (stamp, listed);
        returned || (came && !self.peers.values().any(|peer| peer.awaited))
    }

    /// The instances whose leases this one watches.
    pub(super) fn watched(&self, own: &str) -> Vec<String> {
        let after = self.listed.range::<str, _>((Excluded(own), Unbounded));
        let before = self.listed.range::<str, _>((Unbounded, Excluded(own)));
        let names = after.chain(before).map(|(name, _)| name);
        names.take(WATCHED).cloned().collect()
    }

    /// This instance or its connection to Redis had a fault: declare nobody dead for a while.
    pub(super) fn start_grace(&mut self) {
        self.grace_beats = UNLISTED_BEATS_MAX;
    }

    /// Whether a missing lease shows that its instance is dead.
    pub(super) fn may_declare_dead(&self) -> bool {
        self.grace_beats == 0
    }

    /// A peer has died. Returns whether it counted as alive.
    pub(super) fn declare_dead(&mut self, peer: &str) -> bool {
        self.unlist(peer);
        let peer = self.peers.get_mut(peer);
        peer.is_some_and(|peer| std::mem::replace(peer, Peer::GONE).is_alive())
    }

    /// A peer has announced that it stops.
    pub(super) fn leave(&mut self, peer: &str) {
        self.unlist(peer);
        self.peers.remove(peer);
    }

    /// Removes a peer. The stamp is reset so that the list is read again: the peer may have entered itself anew.
    fn unlist(&mut self, peer: &str) {
        self.listed.remove(peer);
        self.stamp = None;
    }

    /// To be called once for every own beat that was heard; returns whether a peer has been off the list for too long.
    pub(super) fn count_beat(&mut self) -> bool {
        if self.grace_beats > 0 {
            self.grace_beats -= 1;
            return false;
        }
        let mut gone = false;
        self.peers.retain(|name, peer| {
            peer.unlisted_beats = match peer.is_alive() && self.listed.contains_key(name) {
                true => 0,
                false => peer.unlisted_beats + 1,
            };
            peer.awaited &= peer.is_alive();
            gone |= peer.unlisted_beats == UNLISTED_BEATS_MAX;
            peer.unlisted_beats < FORGOTTEN_AFTER_BEATS
        });
        gone
    }

    /// The peers that are alive.
    pub(super) fn alive(&self) -> impl Iterator<Item = &str> {
        let alive = self.peers.iter().filter(|(_, peer)| peer.is_alive());
        alive.map(|(name, _)| name.as_str())
    }

    /// Whether all of these are here and on the list. If Redis has lost the list, it has also lost their presence.
    pub(super) fn are_complete(&self) -> bool {
        let mut alive = self.peers.iter().filter(|(_, peer)| peer.is_alive());
        alive.all(|(name, peer)| peer.is_here() && self.listed.contains_key(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &str) -> List {
        let names = names.split_whitespace();
        names.map(|name| (name.into(), 1)).collect()
    }

    /// Reads a list of instances that all have a lease.
    fn read(members: &mut Members, listed: &str) -> bool {
        let listed = names(listed);
        let leased = members.unknown(listed.keys(), "me");
        members.read(Some("stamp".into()), listed, leased)
    }

    /// The same after they have all entered again.
    fn read_again(members: &mut Members, listed: &str) -> bool {
        let mut listed = names(listed);
        listed.values_mut().for_each(|entry| *entry = 2);
        let leased = members.unknown(listed.keys(), "me");
        members.read(Some("stamp".into()), listed, leased)
    }

    fn member(listed: &str) -> Members {
        let mut members = Members::default();
        assert!(!read(&mut members, listed));
        members
    }

    #[test]
    fn each_instance_is_watched_by_the_two_before_it() {
        for count in 2..20 {
            let all: Vec<String> = (0..count).map(|number| format!("{number:02}")).collect();
            let members = Members {
                listed: names(&all.join(" ")),
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
    fn an_instance_that_is_alone_or_not_listed_yet_watches_the_right_peers() {
        assert!(member("me").watched("me").is_empty());
        assert_eq!(member("a z").watched("me"), ["z", "a"]);
        assert!(member("").watched("me").is_empty());
    }

    #[test]
    fn a_listed_instance_without_a_lease_is_watched_and_not_alive() {
        let mut members = Members::default();
        members.read(Some("stamp".into()), names("me ghost"), Vec::new());
        assert_eq!(members.alive().count(), 0);
        assert!(members.has_unknown("me"), "it may live after all");
        assert_eq!(members.watched("me"), ["ghost"]);
        assert!(!members.declare_dead("ghost"), "nobody missed it");
        assert!(members.watched("me").is_empty());
    }

    #[test]
    fn a_death_and_a_return_are_reported_once() {
        let mut members = member("me peer");
        assert!(members.declare_dead("peer"));
        assert!(!members.declare_dead("peer"));
        assert!(members.is_outdated(Some("stamp")), "it may be back already");
        assert!(
            !(0..100).any(|_| members.count_beat()),
            "it was told already"
        );
        assert_eq!(members.alive().count(), 0);
        assert!(read(&mut members, "me peer"));
        assert!(members.alive().eq(["peer"]));
        assert!(!read(&mut members, "me peer"));
        members.leave("peer");
        assert!(
            !read(&mut members, "me peer"),
            "it said that it would leave"
        );
    }

    #[test]
    fn an_unlisted_peer_is_gone_after_some_beats_and_forgotten_after_many() {
        let mut members = member("me peer");
        read(&mut members, "me");
        let mut beats = (0..FORGOTTEN_AFTER_BEATS).map(|_| members.count_beat());
        let gone = beats.position(|gone| gone);
        assert_eq!(gone, Some(UNLISTED_BEATS_MAX as usize - 1));
        assert!(!beats.any(|gone| gone));
        assert!(members.peers.is_empty());
    }

    #[test]
    fn after_a_fault_of_its_own_an_instance_declares_nobody_dead_for_a_while() {
        let mut members = member("me peer");
        assert!(members.may_declare_dead());
        read(&mut members, "me");
        members.start_grace();
        for _ in 0..UNLISTED_BEATS_MAX {
            assert!(!members.may_declare_dead() && !members.count_beat());
        }
        assert!(members.may_declare_dead() && members.alive().eq(["peer"]));
        read(&mut members, "me peer");
        assert!(!(0..100).any(|_| members.count_beat()));
    }

    #[test]
    fn the_living_peers_of_the_server_before_are_awaited() {
        let mut before = member("me peer other dead");
        before.declare_dead("dead");
        for listed in ["me", "me peer other dead"] {
            let mut members = before.hand_over();
            assert!(!members.are_complete() && !members.may_declare_dead());
            // Their leases have run out, if the list was copied at all.
            members.read(Some("stamp".into()), names(listed), Vec::new());
            assert!(!members.are_complete());
            assert!(!read_again(&mut members, "me peer"), "one more is awaited");
            assert!(!members.are_complete());
            assert!(read_again(&mut members, "me peer other"));
            assert!(members.are_complete());
            assert!(read_again(&mut members, "me peer other dead"));
        }
    }

    #[test]
    fn an_awaited_peer_that_does_not_come_is_gone() {
        let mut members = member("me peer").hand_over();
        read(&mut members, "me");
        let mut beats = (0..3 * UNLISTED_BEATS_MAX).map(|_| members.count_beat());
        assert!(beats.any(|gone| gone));
        assert!(members.are_complete());
        assert!(read(&mut members, "me peer"));

        let mut members = members.hand_over();
        assert!(members.declare_dead("peer") && members.are_complete());
    }

    #[test]
    fn a_listed_instance_that_gets_its_lease_late_has_returned() {
        let mut members = member("me");
        members.read(Some("stamp".into()), names("me peer"), Vec::new());
        assert!(read(&mut members, "me peer"));
        assert!(!read(&mut members, "me peer"));
    }

    #[test]
    fn after_a_fault_of_its_own_an_instance_awaits_those_that_enter_again_for_a_while() {
        let mut members = member("me peer other");
        members.await_all();
        assert!(!read(&mut members, "me peer other") && !members.are_complete());
        assert!(!read_again(&mut members, "me peer") && !members.are_complete());
        assert!(read_again(&mut members, "me peer other") && members.are_complete());
        members.await_all();
        for _ in 0..UNLISTED_BEATS_MAX {
            assert!(!read_again(&mut members, "me peer other") && !members.are_complete());
            members.count_beat();
        }
        // Redis was there for them all the time.
        assert!(read_again(&mut members, "me peer other") && members.are_complete());
    }

    #[test]
    fn a_list_with_another_stamp_or_none_is_outdated() {
        let members = member("me");
        assert!(!members.is_outdated(Some("stamp")));
        assert!(members.is_outdated(Some("other")) && members.is_outdated(None));
        assert!(Members::default().is_outdated(None));
    }
}
