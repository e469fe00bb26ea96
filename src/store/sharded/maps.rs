//! Which of several servers a chat is on.
//!
//! A map lists the servers that take new chats, each by the identity that its tables hold. Every
//! server has a copy of all maps. Nothing is ever moved: a chat stays where the map that was in
//! force at its registration put it, and is looked for there for as long as it, or its tombstone,
//! can be.

use std::time::Duration;

use actors::domain::{ChatKey, SecretDigest, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// For so long after the next map is in force can a chat of this one live (30 days) or its
/// tombstone stand (30 days more); a day is added for clocks and for sweeps that were late.
pub(super) const REMEMBERED: Duration = Duration::from_secs(61 * 24 * 3600);

/// The servers that take new chats from a moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Map {
    /// 1, 2, 3 … in the order in which they were made.
    pub(crate) version: i64,
    /// The identities of the servers, ascending.
    pub(crate) servers: Vec<Uuid>,
    /// When it comes into force.
    pub(crate) since: Timestamp,
}

/// All maps, oldest first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Maps(Vec<Map>);

impl Maps {
    /// `None` where there is no map.
    pub(super) fn new(mut maps: Vec<Map>) -> Option<Self> {
        maps.sort_by_key(|map| map.version);
        (!maps.is_empty()).then_some(Self(maps))
    }

    pub(super) fn as_slice(&self) -> &[Map] {
        &self.0
    }

    /// The one made last, which may not be in force yet.
    pub(super) fn newest(&self) -> &Map {
        self.0.last().expect("there is one")
    }

    /// The one in force.
    pub(super) fn current(&self, now: Timestamp) -> &Map {
        let current = self.0.iter().rev().find(|map| map.since <= now);
        current.unwrap_or(&self.0[0])
    }

    /// The servers that a chat may be on: first the one of the newest map in force, then those of the
    /// maps before it.
    pub(super) fn candidates(&self, key: ChatKey, now: Timestamp) -> Vec<Uuid> {
        self.servers_of(key.as_bytes(), now)
    }

    /// The same for a registration's `id`: a chat that the server names is put where its `id` belongs,
    /// so that the same `id` finds it again.
    pub(super) fn candidates_of(&self, registration: &SecretDigest, now: Timestamp) -> Vec<Uuid> {
        self.servers_of(registration.as_bytes(), now)
    }

    /// Every server that a chat can be on.
    pub(super) fn in_use(&self, now: Timestamp) -> Vec<Uuid> {
        let mut servers: Vec<Uuid> = self
            .remembered(now)
            .flat_map(|map| map.servers.clone())
            .collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }

    /// Until when a server that takes no new chats may have some; `None` where it takes new ones, or none of
    /// the maps has it.
    pub(super) fn in_use_until(&self, server: Uuid) -> Option<Timestamp> {
        let last = self
            .0
            .iter()
            .rposition(|map| map.servers.contains(&server))?;
        let next = self.0.get(last + 1)?;
        Some(next.since.plus(REMEMBERED))
    }

    fn servers_of(&self, subject: &[u8], now: Timestamp) -> Vec<Uuid> {
        let mut servers: Vec<Uuid> = Vec::with_capacity(1);
        for map in self.remembered(now) {
            if let Some(server) = map.server_of(subject)
                && !servers.contains(&server)
            {
                servers.push(server);
            }
        }
        servers
    }

    /// The maps by which chats are found, newest first. One that is not in force yet is among them:
    /// another instance's clock may be ahead.
    fn remembered(&self, now: Timestamp) -> impl Iterator<Item = &Map> {
        let oldest = now.unix_ms().saturating_sub(millis(REMEMBERED));
        let replaced_at = |index: usize| self.0.get(index + 1).map(|next| next.since.unix_ms());
        let current = self.current(now).version;
        let (ahead, in_force): (Vec<_>, Vec<_>) = self
            .0
            .iter()
            .enumerate()
            .filter(|(index, _)| replaced_at(*index).is_none_or(|at| at >= oldest))
            .map(|(_, map)| map)
            .rev()
            .partition(|map| map.version > current);
        in_force.into_iter().chain(ahead)
    }
}

impl Map {
    /// The server that has a chat by this map.
    pub(super) fn home(&self, key: ChatKey) -> Option<Uuid> {
        self.server_of(key.as_bytes())
    }

    /// The server where the `id` of a registration belongs.
    pub(super) fn home_of(&self, registration: &SecretDigest) -> Option<Uuid> {
        self.server_of(registration.as_bytes())
    }

    /// The server with the highest rank for this subject (rendezvous hashing, Thaler and Ravishankar
    /// 1998): a server that is added takes its share from all others, and one that is taken out gives
    /// its share to all others, and no other chat's server changes.
    fn server_of(&self, subject: &[u8]) -> Option<Uuid> {
        let rank = |server: &&Uuid| {
            let digest = Sha256::new_with_prefix(server.as_bytes())
                .chain_update(subject)
                .finalize();
            <[u8; 8]>::try_from(&digest[..8]).expect("a SHA-256 digest has 32 bytes")
        };
        self.servers.iter().max_by_key(rank).copied()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const DAY_MS: i64 = 24 * 3600 * 1000;

    fn server(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn map(version: i64, servers: &[u128], since_days: i64) -> Map {
        Map {
            version,
            servers: servers.iter().map(|n| server(*n)).collect(),
            since: at(since_days),
        }
    }

    fn at(days: i64) -> Timestamp {
        Timestamp::from_unix_ms(days * DAY_MS)
    }

    fn keys() -> impl Iterator<Item = ChatKey> {
        (0..3_000u128).map(|n| {
            let digest = Sha256::digest(n.to_be_bytes());
            ChatKey::from_bytes(digest[..16].try_into().unwrap())
        })
    }

    #[test]
    fn chats_are_spread_evenly_and_a_new_server_takes_its_share_alone() {
        let before = Maps::new(vec![map(1, &[1, 2, 3], 0)]).unwrap();
        let after = Maps::new(vec![map(1, &[1, 2, 3], 0), map(2, &[1, 2, 3, 4], 1)]).unwrap();
        let mut counts: HashMap<Uuid, usize> = HashMap::new();
        for key in keys() {
            let [one] = before.candidates(key, at(2))[..] else {
                panic!("one map knows one server");
            };
            *counts.entry(one).or_default() += 1;
            match after.candidates(key, at(2))[..] {
                [same] => assert_eq!(same, one),
                [new, old] => assert_eq!((new, old), (server(4), one)),
                _ => panic!("two maps know two servers at most"),
            }
        }
        assert!(
            counts.values().all(|count| (850..1_150).contains(count)),
            "{counts:?}"
        );
        let moved = keys().filter(|key| after.candidates(*key, at(2)).len() == 2);
        assert!((600..900).contains(&moved.count()));
    }

    #[test]
    fn a_map_that_nothing_can_be_left_of_is_forgotten() {
        let maps = Maps::new(vec![map(2, &[2], 10), map(1, &[1], 0)]).unwrap();
        let key = keys().next().unwrap();
        assert_eq!(maps.candidates(key, at(70)), [server(2), server(1)]);
        assert_eq!(maps.candidates(key, at(72)), [server(2)]);
        assert_eq!(maps.in_use(at(70)), [server(1), server(2)]);
        assert_eq!(maps.in_use(at(72)), [server(2)]);
        assert_eq!(maps.in_use_until(server(1)), Some(at(71)));
        assert_eq!(maps.in_use_until(server(2)), None);
    }

    #[test]
    fn a_map_that_is_not_in_force_yet_comes_last() {
        let maps = Maps::new(vec![map(1, &[1], 0), map(2, &[2], 10)]).unwrap();
        let key = keys().next().unwrap();
        assert_eq!(maps.current(at(9)).version, 1);
        assert_eq!(maps.current(at(10)).version, 2);
        assert_eq!(maps.candidates(key, at(9)), [server(1), server(2)]);
        assert_eq!(maps.candidates(key, at(10)), [server(2), server(1)]);
    }
}
