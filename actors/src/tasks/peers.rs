//! Whether this instance hears the others. Instances know of each other through the store as well: who
//! does not hear one that lives is on another bus, or on one that was left behind, though it works.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::Ordering,
    time::Duration,
};

use tokio::time::MissedTickBehavior;
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::{PairRegistry, ports::Peer, supervision::catch_panic};

/// How often an instance writes down that it lives.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// So many new beats in the store of an instance that is not heard mean that it is on another bus.
const UNHEARD_BEATS_MAX: u32 = 3;

/// Beats and looks who is not heard, for ever.
pub(crate) async fn run(pairs: PairRegistry) {
    let environment = pairs.environment();
    let mut unheard = Unheard::default();
    // The first beat goes out at once: the others must know of this instance as soon as it has streams.
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(call) = environment.world.bus.roll_call() else {
            return std::future::pending().await;
        };
        let beaten = catch_panic(environment.world.store.beat(call.own, &call.address)).await;
        let peers = match beaten {
            Ok(Ok(peers)) => peers,
            Ok(Err(failure)) => {
                debug!(%failure, "it is not written down that this instance lives");
                continue;
            }
            Err(panic) => {
                debug!(panic, "it is not written down that this instance lives");
                continue;
            }
        };
        let missing = match environment.world.bus.is_up() {
            true => unheard.look(&peers, &call.heard),
            // Nobody is heard then, and that says nothing.
            false => {
                unheard = Unheard::default();
                None
            }
        };
        let before = environment
            .bus_split
            .swap(missing.is_some(), Ordering::AcqRel);
        environment.metrics.bus_split.set(missing.is_some().into());
        match (before, missing) {
            (false, Some(peer)) => warn!(
                own = call.address,
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

/// How many new beats of each peer were seen in the store since it was last heard.
#[derive(Default)]
struct Unheard(HashMap<Uuid, Silence>);

struct Silence {
    beats: u64,
    unheard: u32,
}

impl Unheard {
    /// Looks at the peers that live; answers one that has not been heard for too long.
    fn look<'a>(&mut self, peers: &'a [Peer], heard: &HashSet<Uuid>) -> Option<&'a Peer> {
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
    fn one_that_lives_and_is_not_heard_is_missing_and_a_dead_one_is_not() {
        let (living, dead, heard) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        let mut unheard = Unheard::default();
        let mut look = |beats: u64, hears: &[Uuid]| {
            let peers = [peer(living, beats), peer(dead, 1), peer(heard, beats)];
            let missing = unheard.look(&peers, &hears.iter().copied().collect());
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
