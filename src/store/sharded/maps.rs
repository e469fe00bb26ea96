//! Maps, which say on which of several servers a chat is.
//!
//! A map lists the servers that take new chats, by the identity stored in their tables. Every server has all
//! maps. A chat never moves: it stays on the server that the map current at its registration chose, and is
//! looked up there for as long as it or its tombstone exists.

use std::time::Duration;

use actors::domain::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long after its successor became current a map is needed: a chat lives for 30 days and its tombstone
/// for 30 more; one day is added for skewed clocks and late sweeps.
pub(super) const REMEMBERED: Duration = Duration::from_secs(61 * 24 * 3600);

/// The servers that take new chats from some time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Map {
    /// 1, 2, 3 … in the order of creation.
    pub(crate) version: i64,
    /// The identities of the servers, ascending.
    pub(crate) servers: Vec<Uuid>,
    /// When it becomes current.
    pub(crate) since: Timestamp,
}

/// All maps, oldest first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Maps(Vec<Map>);

impl Maps {
    /// `None` without maps.
    pub(super) fn new(mut maps: Vec<Map>) -> Option<Self> {
        maps.sort_by_key(|map| map.version);
        (!maps.is_empty()).then_some(Self(maps))
    }

    pub(super) fn as_slice(&self) -> &[Map] {
        &self.0
    }

    /// The newest map, which may not be current yet.
    pub(super) fn newest(&self) -> &Map {
        self.0.last().expect("there is one")
    }

    /// The current map.
    pub(super) fn current(&self, now: Timestamp) -> &Map {
        let current = self.0.iter().rev().find(|map| map.since <= now);
        current.unwrap_or(&self.0[0])
    }

    /// Every server that may have chats.
    pub(super) fn in_use(&self, now: Timestamp) -> Vec<Uuid> {
        let mut servers: Vec<Uuid> = self
            .remembered(now)
            .flat_map(|map| map.servers.clone())
            .collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }

    /// Until when a server that takes no new chats may have some; `None` if it takes new ones, or is in no
    /// map.
    pub(super) fn in_use_until(&self, server: Uuid) -> Option<Timestamp> {
        let last = self
            .0
            .iter()
            .rposition(|map| map.servers.contains(&server))?;
        let next = self.0.get(last + 1)?;
        Some(next.since.plus(REMEMBERED))
    }

    /// The servers that a subject may be on: by the current map first, then by older ones.
    pub(super) fn candidates(&self, subject: &[u8], now: Timestamp) -> Vec<Uuid> {
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

    /// The maps to look chats up by, newest first. Includes maps that are not current yet: another instance's
    /// clock may be ahead.
    fn remembered(&self, now: Timestamp) -> impl Iterator<Item = &Map> {
        let oldest = now.unix_ms().saturating_sub(REMEMBERED.as_millis() as i64);
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
    /// The server of a subject: of a chat by its key, of a registration by the digest of its `id`. If the server chooses
    /// the key, it chooses one that belongs with the `id`, so that the same `id` finds the chat again.
    ///
    /// It is the one with the highest rank for the subject (rendezvous hashing, Thaler and Ravishankar 1998): a
    /// new server takes an equal share from each other one, a removed one leaves its share to all others, and
    /// no other subject changes its server.
    pub(super) fn server_of(&self, subject: &[u8]) -> Option<Uuid> {
        let rank = |server: &&Uuid| {
            let digest = Sha256::new_with_prefix(server.as_bytes())
                .chain_update(subject)
                .finalize();
            <[u8; 8]>::try_from(&digest[..8]).expect("a SHA-256 digest has 32 bytes")
        };
        self.servers.iter().max_by_key(rank).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use actors::domain::ChatKey;

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
            let [one] = before.candidates(key.as_bytes(), at(2))[..] else {
                panic!("one map knows one server");
            };
            *counts.entry(one).or_default() += 1;
            match after.candidates(key.as_bytes(), at(2))[..] {
                [same] => assert_eq!(same, one),
                [new, old] => assert_eq!((new, old), (server(4), one)),
                _ => panic!("two maps know two servers at most"),
            }
        }
        assert!(
            counts.values().all(|count| (850..1_150).contains(count)),
            "{counts:?}"
        );
        let moved = keys().filter(|key| after.candidates(key.as_bytes(), at(2)).len() == 2);
        assert!((600..900).contains(&moved.count()));
    }

    #[test]
    fn a_map_without_remaining_chats_is_forgotten() {
        let maps = Maps::new(vec![map(2, &[2], 10), map(1, &[1], 0)]).unwrap();
        let key = keys().next().unwrap();
        assert_eq!(
            maps.candidates(key.as_bytes(), at(70)),
            [server(2), server(1)]
        );
        assert_eq!(maps.candidates(key.as_bytes(), at(72)), [server(2)]);
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
        assert_eq!(
            maps.candidates(key.as_bytes(), at(9)),
            [server(1), server(2)]
        );
        assert_eq!(
            maps.candidates(key.as_bytes(), at(10)),
            [server(2), server(1)]
        );
    }
}
