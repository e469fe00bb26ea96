//! Detects a split bus. Instances also know of each other through the store: one that beats there and is not heard
//! over the bus uses another bus, or one that was left behind by a failover.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::Ordering,
    time::Duration,
};

use tokio::time::MissedTickBehavior;
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::{
    PairRegistry,
    ports::{BusState, Peer},
    supervision::catch_panic,
};

/// How often an instance beats in the store.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// After this many beats in the store of an instance that is not heard, the bus counts as split.
const UNHEARD_BEATS_MAX: u32 = 3;

/// Beats and compares, for ever.
pub(crate) async fn run(pairs: PairRegistry) {
    let environment = pairs.environment();
    let mut unheard = Unheard::default();
    // The first tick is immediate: the others must know this instance as soon as it has streams.
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(members) = environment.world.bus.membership() else {
            return std::future::pending().await;
        };
        let beaten = catch_panic(environment.world.store.beat(members.own, &members.address)).await;
        let peers = match beaten.and_then(|beaten| beaten.map_err(|error| error.to_string())) {
            Ok(peers) => peers,
            Err(failure) => {
                debug!(failure, "the beat was not written to the store");
                continue;
            }
        };
        let missing = match environment.world.bus.worst_state() {
            // Nobody is heard then, which does not mean that the bus is split.
            BusState::Away => {
                unheard = Unheard::default();
                None
            }
            BusState::Up | BusState::Doubtful => unheard.update(&peers, &members.heard),
        };
        let before = environment
            .bus_split
            .swap(missing.is_some(), Ordering::AcqRel);
        environment.metrics.bus_split.set(missing.is_some().into());
        match (before, missing) {
            (false, Some(peer)) => warn!(
                own = members.address,
                other = peer.bus_address,
                "another instance lives and is not heard: the bus is split, and the store is asked for \
                 news until all instances have the same bus.url and one server behind it"
            ),
            (true, None) => {
                info!("all instances that live are heard again");
                environment.inbox.report_all_missed();
            }
            _ => {}
        }
    }
}

/// For each peer, how many new beats the store had since it was last heard.
#[derive(Default)]
struct Unheard(HashMap<Uuid, Silence>);

struct Silence {
    beats: u64,
    unheard: u32,
}

impl Unheard {
    /// Takes the peers in the store and those heard; returns one that has not been heard for too long.
    fn update<'a>(&mut self, peers: &'a [Peer], heard: &HashSet<Uuid>) -> Option<&'a Peer> {
        self.0
            .retain(|boot, _| peers.iter().any(|peer| peer.boot == *boot));
        let mut missing = None;
        for peer in peers {
            let first = Silence {
                beats: peer.beats,
                unheard: 0,
            };
            let silence = self.0.entry(peer.boot).or_insert(first);
            if heard.contains(&peer.boot) {
                silence.unheard = 0;
            } else if silence.beats != peer.beats {
                silence.unheard += 1;
            }
            silence.beats = peer.beats;
            if silence.unheard >= UNHEARD_BEATS_MAX {
                missing = Some(peer);
            }
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(boot: Uuid, beats: u64) -> Peer {
        Peer {
            boot,
            bus_address: "elsewhere".into(),
            beats,
        }
    }

    #[test]
    fn a_live_peer_that_is_not_heard_is_missing_and_a_dead_one_is_not() {
        let (living, dead, heard) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        let mut unheard = Unheard::default();
        let mut look = |beats: u64, hears: &[Uuid]| {
            let peers = [peer(living, beats), peer(dead, 1), peer(heard, beats)];
            let missing = unheard.update(&peers, &hears.iter().copied().collect());
            missing.map(|peer| peer.boot)
        };
        for beats in 1..=u64::from(UNHEARD_BEATS_MAX) {
            assert_eq!(look(beats, &[heard]), None);
        }
        assert_eq!(look(10, &[heard]), Some(living));
        assert_eq!(look(10, &[heard]), Some(living));
        assert_eq!(look(11, &[heard, living]), None);
        assert_eq!(look(12, &[heard]), None);
    }
}
