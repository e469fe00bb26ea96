//! What happens to one server and to the way there. Each claim is about both: what was lost is
//! reported, and notices flow again.

use actors::{
    domain::{Activity, Seat},
    ports::BusState,
};
use harness::servers::{Proxy, Stalled, free_port};

use super::*;

/// A server, and two instances of which one listens to a chat.
struct Case {
    server: Redis,
    here: Arc<dyn Bus>,
    there: Arc<dyn Bus>,
    heard: Collector,
    chat: ChatKey,
}

impl Case {
    async fn new() -> Self {
        let server = Redis::start().unwrap();
        let url = server.url();
        Self::of(server, &url).await
    }

    /// The one that listens does so at another address.
    async fn of(server: Redis, listener_url: &str) -> Self {
        let registry = Registry::new();
        let here = start(&server.url()).await;
        let there = start_with(listener_url, &registry).await;
        let heard = Collector::from(&there);
        until_it_hears(2.0, &registry).await;
        let chat = key();
        there.subscribe(chat).await.unwrap();
        let case = Self {
            server,
            here,
            there,
            heard,
            chat,
        };
        until_delivered(&case.here, &case.heard, chat).await;
        case.heard.clear();
        case
    }

    async fn until_delivered(&self) {
        until_delivered(&self.here, &self.heard, self.chat).await;
    }
}

const NEWS: Notice = Notice::Activity {
    seat: Seat::One,
    activity: Activity::Typing,
};

#[actix::test]
async fn a_redis_that_died_is_missed_and_what_it_did_not_take_is_published_again() {
    let mut case = Case::new().await;
    case.server.kill();
    case.here.publish(case.chat, NEWS);
    case.here.set_open(case.chat, BySeat([true, false]));
    case.server.resume().unwrap();
    until_missed(&case.heard, &[case.chat]).await;
    // The listener may have been there before it was repeated, or not.
    case.until_delivered().await;
    // Presence is written again to a server that lost its data.
    until_open(&case.there, case.chat, [true, false]).await;
}

#[actix::test]
async fn notices_published_while_redis_is_paused_arrive_or_are_reported_missed() {
    let case = Case::new().await;
    case.server.process().unwrap().pause();
    case.here.publish(case.chat, NEWS);
    // Commands are given up after a while.
    eventually("nobody answers", || async {
        case.here.ping().await.is_err()
    })
    .await;
    case.server.process().unwrap().go_on();
    eventually("it arrives or is missed", || async {
        case.heard.about(case.chat).contains(&NEWS) || case.heard.missed(case.chat)
    })
    .await;
    case.until_delivered().await;
}

#[actix::test]
async fn notices_published_during_a_client_pause_arrive_later_or_are_reported_missed() {
    let case = Case::new().await;
    case.server
        .command(&["CLIENT", "PAUSE", "2500", "ALL"])
        .unwrap();
    case.here.publish(case.chat, NEWS);
    // On a slow machine the pause outlasts what a sender waits for.
    eventually("it arrives, or is read from the store", || async {
        case.heard.about(case.chat).contains(&NEWS) || case.heard.missed(case.chat)
    })
    .await;
    case.until_delivered().await;
}

#[actix::test]
async fn killed_subscriptions_are_made_again_and_reported() {
    let case = Case::new().await;
    let others: Vec<ChatKey> = (0..700).map(|_| key()).collect();
    for chat in &others {
        case.there.subscribe(*chat).await.unwrap();
    }
    let killed = case.server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(killed.unwrap().trim(), "2");
    until_missed(&case.heard, &others).await;
    until_missed(&case.heard, &[case.chat]).await;
    case.until_delivered().await;
    until_delivered(&case.here, &case.heard, others[699]).await;
}

#[actix::test]
async fn a_socket_that_is_open_and_deaf_is_noticed_and_replaced() {
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let case = Case::of(server, &format!("redis://127.0.0.1:{}", proxy.port())).await;
    let listening = case
        .server
        .command(&["CLIENT", "LIST", "TYPE", "pubsub"])
        .unwrap();
    for port in proxy.connections() {
        if listening.contains(&format!("addr=127.0.0.1:{port} ")) {
            proxy.stall_one(port, Stalled::TO_CLIENT);
        }
    }
    case.here.publish(case.chat, NEWS);
    until_missed(&case.heard, &[case.chat]).await;
    assert_eq!(case.heard.about(case.chat), [], "it was not deaf");
    case.until_delivered().await;
}

#[actix::test]
async fn a_connection_that_was_cut_off_is_made_again() {
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let case = Case::of(server, &format!("redis://127.0.0.1:{}", proxy.port())).await;
    proxy.stall(Stalled::BOTH);
    eventually("nobody answers", || async {
        case.there.ping().await.is_err()
    })
    .await;
    case.here.publish(case.chat, NEWS);
    // What was in flight is never delivered, so nothing may wait for such sockets.
    proxy.refuse(true);
    proxy.cut();
    proxy.stall(Stalled::NEITHER);
    proxy.refuse(false);
    until_missed(&case.heard, &[case.chat]).await;
    case.until_delivered().await;
}

#[actix::test]
async fn an_overflowing_queue_makes_the_other_instances_read_the_store() {
    let case = Case::new().await;
    case.server.process().unwrap().pause();
    for _ in 0..30_000 {
        case.here.publish(case.chat, Notice::Sessions);
    }
    case.server.process().unwrap().go_on();
    until_missed(&case.heard, &[case.chat]).await;
    case.until_delivered().await;
}

#[actix::test]
async fn the_seats_of_a_dead_instance_are_not_open() {
    let case = Case::new().await;
    case.here.set_open(case.chat, BySeat([true, false]));
    until_open(&case.there, case.chat, [true, false]).await;
    drop(case.here);
    until_missed(&case.heard, &[case.chat]).await;
    // An instance that gets the announcement reads presence at once, and must not find the dead one's.
    let open = case.there.open_elsewhere(case.chat).await.unwrap();
    assert_eq!(open, BySeat::default());
}

#[actix::test]
async fn a_redis_that_is_away_at_the_start_is_waited_for() {
    let mut server = Redis::start().unwrap();
    server.kill();
    let (here, there) = (start(&server.url()).await, start(&server.url()).await);
    let (heard, chat) = (Collector::from(&there), key());
    assert!(there.subscribe(chat).await.is_err());
    server.resume().unwrap();
    until_missed(&heard, &[chat]).await;
    until_delivered(&here, &heard, chat).await;
}

fn server_at(port: u16) -> Ranges<Address> {
    Ranges::of_one(Address {
        host: "127.0.0.1".into(),
        port,
    })
}

#[actix::test]
async fn that_notices_were_dropped_is_announced_at_the_server_that_takes_over() {
    let url = format!("redis://127.0.0.1:{}", free_port().unwrap());
    let bus = open_alone(&url.parse().unwrap(), None).await.unwrap();
    bus.0.shards()[0].set_lost(true);
    bus.0.apply_layout(server_at(free_port().unwrap()));
    assert!(bus.0.shards()[0].set_lost(false));
}

#[actix::test]
async fn what_a_server_did_not_answer_is_published_at_the_one_that_takes_over() {
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let registry = Registry::new();
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let (url, tasks) = (url.parse().unwrap(), Tasks::register(&registry));
    let bus = RedisBus::start(&url, None, &registry, &tasks).await;
    let bus = bus.unwrap();
    proxy.stall(Stalled::BOTH);
    bus.publish(key(), NEWS);
    let before = bus.0.shards().remove(0);
    eventually("it is about to be given up", || async {
        let away_for = before.health.away_for();
        away_for.is_some_and(|away_for| away_for >= Duration::from_millis(950))
    })
    .await;
    bus.0.apply_layout(server_at(server.port()));
    drop(before);
    let figure = |name: &str| {
        let gathered = registry.gather();
        let family = gathered.iter().find(|family| family.name() == name);
        family.unwrap().get_metric()[0].get_counter().get_value()
    };
    eventually("it is published or dropped", || async {
        figure("duet_bus_published_total") + figure("duet_bus_dropped_total") > 0.0
    })
    .await;
    assert_eq!(figure("duet_bus_dropped_total"), 0.0);
}

#[actix::test]
async fn a_redis_that_takes_beats_and_refuses_presence_counts_as_away() {
    let case = Case::new().await;
    let other = key();
    case.here.set_open(other, BySeat([true, false]));
    until_open(&case.there, other, [true, false]).await;
    case.server
        .command(&["ACL", "SETUSER", "default", "-hdel"])
        .unwrap();
    case.here.set_open(other, BySeat::default());
    eventually("the store is asked", || async {
        case.here.state(case.chat) == BusState::Away
    })
    .await;
    assert_ne!(case.there.state(case.chat), BusState::Away);
    case.server
        .command(&["ACL", "SETUSER", "default", "+hdel"])
        .unwrap();
    until_open(&case.there, other, [false, false]).await;
    eventually("it is used again", || async {
        case.here.state(case.chat) == BusState::Up
    })
    .await;
    case.until_delivered().await;
}
