//! The same over a cluster of three masters and three replicas.

use std::time::Instant;

use harness::servers::{Authority, RedisCluster};

use super::*;

/// Chats of every master: as many that some fall into each shard.
const CHATS: usize = 60;

#[test]
fn a_cluster_keeps_all_promises_of_a_bus() {
    let cluster = RedisCluster::start().unwrap();
    let open = async || {
        let url = cluster.url();
        Buses::new(start(&url).await, start(&url).await, ())
    };
    actors::bus_suite!(all at once: open);
}

#[test]
fn a_cluster_keeps_all_promises_of_a_bus_over_tls() {
    let authority = Authority::new().unwrap();
    let cluster = RedisCluster::start_with_tls(&authority).unwrap();
    let open = async || {
        let (url, ca) = (cluster.url(), authority.certificate());
        assert!(url.starts_with("rediss+cluster://"), "{url}");
        Buses::new(
            start_over_tls(&url, &ca).await,
            start_over_tls(&url, &ca).await,
            (),
        )
    };
    actors::bus_suite!(all at once: open);
}

/// Two instances of which one listens to chats all over the cluster.
struct Case {
    cluster: RedisCluster,
    here: Arc<dyn Bus>,
    there: Arc<dyn Bus>,
    heard: Collector,
    chats: Vec<ChatKey>,
}

impl Case {
    async fn new() -> Self {
        let cluster = RedisCluster::start().unwrap();
        let (here, there) = (start(&cluster.url()).await, start(&cluster.url()).await);
        let heard = Collector::from(&there);
        let chats: Vec<ChatKey> = (0..CHATS).map(|_| key()).collect();
        for chat in &chats {
            there.subscribe(*chat).await.unwrap();
        }
        for chat in &chats {
            until_delivered(&here, &heard, *chat).await;
        }
        heard.clear();
        Self {
            cluster,
            here,
            there,
            heard,
            chats,
        }
    }

    /// The chats that a node serves, and all others.
    fn served_by(&self, node: usize) -> (Vec<ChatKey>, Vec<ChatKey>) {
        let slots = self.cluster.served_by(node).unwrap();
        let serves = |slot| slots.iter().any(|range| range.contains(&slot));
        let chats = self.chats.iter().copied();
        chats.partition(|chat| serves(names::slot(*chat)))
    }
}

#[actix::test]
async fn a_dead_master_affects_its_own_chats_only_and_its_replica_takes_over() {
    let mut case = Case::new().await;
    let master = case.cluster.serving(names::slot(case.chats[0])).unwrap();
    let (its_own, others) = case.served_by(master);
    assert!(!others.is_empty());
    case.cluster.nodes()[master].kill();
    let killed_at = Instant::now();
    // There is traffic all the time; nobody else has to wait meanwhile.
    let mut waited_for = others.iter().cycle();
    while !its_own.iter().all(|chat| case.heard.missed(*chat)) {
        assert!(
            killed_at.elapsed() < Duration::from_secs(120),
            "nothing took over"
        );
        for chat in &its_own {
            case.here.publish(*chat, mark());
        }
        let other = *waited_for.next().unwrap();
        case.here.publish(other, mark());
        case.heard.until(other, &mark()).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!others.iter().any(|chat| case.heard.missed(*chat)));
    for chat in case.chats {
        until_delivered(&case.here, &case.heard, chat).await;
        case.here.set_open(chat, BySeat([true, false]));
        until_open(&case.there, chat, [true, false]).await;
    }
}

#[actix::test]
async fn chats_move_with_their_slot() {
    let case = Case::new().await;
    let (moved, others) = case.chats.split_first().unwrap();
    case.cluster.give_away(names::slot(*moved)).unwrap();
    until_missed(&case.heard, &[*moved]).await;
    until_delivered(&case.here, &case.heard, *moved).await;
    assert!(!others.iter().any(|chat| case.heard.missed(*chat)));
}

#[actix::test]
async fn a_server_and_a_cluster_are_not_taken_for_each_other() {
    let (cluster, server) = (RedisCluster::start().unwrap(), Redis::start().unwrap());
    let refusal = async |url: String| {
        let url = url.parse().unwrap();
        open_alone(&url, None).await.err().unwrap().0
    };
    let one = cluster.url().replace("+cluster", "");
    let one = one.split(',').next().unwrap().to_owned();
    let told = refusal(one).await;
    assert!(
        told.contains("it is a cluster, so write redis+cluster://"),
        "{told}"
    );
    let told = refusal(server.url().replace("redis:", "redis+cluster:")).await;
    assert!(told.contains("cluster support disabled"), "{told}");
}

#[actix::test]
async fn a_slot_that_stays_on_its_way_keeps_the_notices_of_no_other_chat() {
    let case = Case::new().await;
    let served = case.cluster.serving(names::slot(case.chats[0])).unwrap();
    let (chats, _) = case.served_by(served);
    let [moving, other, ..] = chats[..] else {
        panic!("too few chats: {chats:?}")
    };
    case.cluster.leave_on_its_way(names::slot(moving)).unwrap();
    // It has no key yet, so its server says to ask the other one.
    case.here.set_open(moving, BySeat([true, false]));
    for chat in [other, moving] {
        until_delivered(&case.here, &case.heard, chat).await;
    }
    case.here.set_open(other, BySeat([true, false]));
    until_open(&case.there, other, [true, false]).await;
    assert!(case.there.open_elsewhere(moving).await.is_err());
    assert!(!case.heard.missed(other));
    assert!(case.here.worst_state() < BusState::Away);
    case.cluster.give_away(names::slot(moving)).unwrap();
    until_open(&case.there, moving, [true, false]).await;
}
