//! Alerts about what waits, about instances that do not hear each other, about one that does not stop,
//! and about one server of several, each fired and resolved in a living Prometheus.

use std::net::SocketAddr;

use futures_util::future::join_all;
use harness::servers::{Postgres, Redis, instance::clock_ahead};
use serde_json::json;
use uuid::Uuid;

use super::alerts::Prometheus;
use crate::support::{Chat, Server, Setup};

fn on(postgres: &Postgres, redis: &Redis) -> Setup {
    Setup::new()
        .set("store.url", postgres.url())
        .set("bus.url", redis.url())
}

fn addresses(servers: &[&Server]) -> Vec<SocketAddr> {
    servers.iter().map(|server| server.address).collect()
}

/// Something that goes on until an alert has changed.
async fn meanwhile(alert: impl Future<Output = ()>, work: impl AsyncFn()) {
    let again = async {
        loop {
            work().await;
        }
    };
    tokio::select! {
        () = alert => {}
        () = again => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_store_fires_its_alerts_and_resolves_them() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let duet = on(&postgres, &redis)
        .set("limits.journal_queue_messages", 20)
        .start()
        .await;
    let prometheus = Prometheus::start(&addresses(&[&duet]));
    let chats = join_all((0..8).map(|_| Chat::begin(&duet))).await;

    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
                CREATE TRIGGER slow BEFORE INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION slow()";
    postgres.run(slow).unwrap();
    // Each of them sends its next message when the last one is answered.
    let senders = chats.iter().flat_map(|chat| [&chat.one, &chat.two]);
    let senders: Vec<_> = senders.cycle().take(64).collect();
    let sending = join_all(senders.iter().map(async |person| {
        loop {
            person.say_as(Uuid::new_v4(), "Hello?").await;
        }
    }));
    tokio::select! {
        () = prometheus.becomes("DuetJournalFills", true) => {}
        _ = sending => {}
    }
    postgres.run("DROP TRIGGER slow ON messages").unwrap();
    prometheus.becomes("DuetJournalFills", false).await;

    // Takes messages, and no marks.
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER full_disk BEFORE UPDATE ON seats FOR EACH ROW EXECUTE FUNCTION full_disk()";
    postgres.run(full).unwrap();
    for chat in &chats {
        let seq = chat.one.say("Hello").await;
        for person in [&chat.one, &chat.two] {
            let marks = json!({"delivered": seq, "read": seq});
            person.post("receipt", marks).await.ok();
        }
    }
    prometheus.becomes("DuetDeferredWritesWait", true).await;
    postgres.run("DROP TRIGGER full_disk ON seats").unwrap();
    prometheus.becomes("DuetDeferredWritesWait", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_brings_little_fires_its_alerts_and_resolves_them() {
    let (postgres, mut redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let (one, two) = tokio::join!(on(&postgres, &redis).start(), on(&postgres, &redis).start());
    let prometheus = Prometheus::start(&addresses(&[&one, &two]));

    // Its subscriptions are lost again and again.
    let lose = async || {
        redis
            .command(&["client", "kill", "type", "pubsub"])
            .unwrap();
        one.metric("duet_bus_reconnects_total").await;
    };
    meanwhile(prometheus.becomes("DuetLosesRedis", true), lose).await;
    prometheus.becomes("DuetLosesRedis", false).await;

    // Messages come from the store alone.
    let chat = Chat::begin(&one).await;
    let there = chat.two.at(&two);
    let _stream = there.listen().await;
    tokio::task::block_in_place(|| redis.kill());
    let talk = async || {
        // Past its rate a seat is refused now and then, which is no matter here.
        chat.one.say_as(Uuid::new_v4(), "Hello?").await;
    };
    meanwhile(prometheus.becomes("DuetHealsMessages", true), talk).await;
    tokio::task::block_in_place(|| redis.resume()).unwrap();
    prometheus.becomes("DuetHealsMessages", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_on_two_redis_fire_their_alert_until_they_are_put_on_one() {
    let postgres = Postgres::start().unwrap();
    let (redis, other) = (Redis::start().unwrap(), Redis::start().unwrap());
    let one = on(&postgres, &redis).start().await;
    let mut stray = on(&postgres, &other).start().await;
    let prometheus = Prometheus::start(&addresses(&[&one, &stray]));
    prometheus.becomes("DuetBusSplit", true).await;
    assert_eq!(stray.terminate().await.code(), Some(0));
    let setup = stray.setup().set("bus.url", redis.url());
    let _together = setup.set("server.bind", stray.address).start().await;
    prometheus.becomes("DuetBusSplit", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_stop_fires_its_alert_until_it_is_gone() {
    // Its clock is so far behind that it seems to have been at it for long.
    let hour = std::time::Duration::from_secs(3_600);
    let mut setup = Setup::new().set("server.leave_seconds", 600);
    for (name, value) in clock_ahead(hour).unwrap() {
        setup = setup.env(&name, value.replace('+', "-"));
    }
    let mut duet = setup.start().await;
    let prometheus = Prometheus::start(&addresses(&[&duet]));
    duet.ask_to_stop();
    prometheus.becomes("DuetDrainsForLong", true).await;
    duet.kill_9();
    prometheus.becomes("DuetDrainsForLong", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_postgresql_server_of_several_that_is_away_fires_its_own_alert_alone() {
    let (one, mut two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let urls = format!("{} {}", one.url(), two.url());
    let duet = Setup::new().env("DUET_STORE__URLS", urls).start().await;
    let prometheus = Prometheus::start(&addresses(&[&duet]));
    prometheus.scrapes().await;
    tokio::task::block_in_place(|| two.kill());
    prometheus.becomes("DuetShardAway", true).await;
    // The instance is of use to everybody whose chat is on the other one.
    assert!(!prometheus.fires("DuetStoreFails").await);
    tokio::task::block_in_place(|| two.resume()).unwrap();
    prometheus.becomes("DuetShardAway", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maps_of_several_servers_that_differ_fire_their_alert_until_they_agree() {
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let urls = format!("{} {}", one.url(), two.url());
    let duet = Setup::new().env("DUET_STORE__URLS", urls).start().await;
    let prometheus = Prometheus::start(&addresses(&[&duet]));
    prometheus.scrapes().await;
    let turned = "UPDATE shard_maps SET servers = ARRAY[servers[2], servers[1]]";
    tokio::task::block_in_place(|| two.run(turned)).unwrap();
    prometheus.becomes("DuetShardMapsDiffer", true).await;
    tokio::task::block_in_place(|| two.run(turned)).unwrap();
    prometheus.becomes("DuetShardMapsDiffer", false).await;
}
