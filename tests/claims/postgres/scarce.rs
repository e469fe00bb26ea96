//! A server with few connections, or that takes them for longer than a call.

use futures_util::future::join_all;
use harness::servers::Postgres;
use uuid::Uuid;

use super::{at, on};
use crate::support::{Chat, eventually};

/// The server with a role whose connections it limits, and the URL for that role.
fn limited() -> (Postgres, String) {
    let server = Postgres::start().unwrap();
    server.run("CREATE ROLE duet LOGIN").unwrap();
    server.run("GRANT ALL ON SCHEMA public TO duet").unwrap();
    let url = server.url().replace("postgres@", "duet@");
    (server, url)
}

/// How many connections duet has.
fn connections(server: &Postgres) -> usize {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'duet'";
    server.run(count).unwrap().parse().unwrap()
}

#[test]
fn a_migration_takes_two_connections() {
    let (server, url) = limited();
    server.run("ALTER ROLE duet CONNECTION LIMIT 2").unwrap();
    let migrate = at(&url).set("store.start_seconds", 1).arg("migrate");
    let output = migrate.run();
    assert!(output.status.success(), "{output:?}");
}

/// Such commits end neither by a timeout nor with their connection.
#[tokio::test]
async fn commits_that_no_standby_confirms_take_no_more_connections_and_leave_some_for_reading() {
    const POOL_SIZE: usize = 4;
    let server = Postgres::start().unwrap();
    let setup = on(&server).set("store.pool_size", POOL_SIZE);
    // Long enough for a slow disk, short for those calls that are never answered.
    let duet = setup.set("store.call_seconds", 3).start().await;
    let mut chats = Vec::new();
    for _ in 0..8 {
        let chat = Chat::begin(&duet).await;
        chat.one.say("before").await;
        chats.push(chat);
    }
    let other = Chat::begin(&duet).await;
    let wait_for = |names: &str| {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        server.run(&set).unwrap();
        server.run("SELECT pg_reload_conf()").unwrap();
    };
    wait_for("nobody");
    // The server takes a moment to go by it.
    eventually("commits wait", async || {
        let sent = other.one.say_as(Uuid::new_v4(), "waits").await;
        (sent.status == 503).then_some(())
    })
    .await;
    let ids: Vec<Uuid> = chats.iter().map(|_| Uuid::new_v4()).collect();
    let send = || {
        let sends = chats.iter().zip(&ids);
        join_all(sends.map(|(chat, id)| chat.one.say_as(*id, "meanwhile")))
    };
    for _ in 0..2 {
        for sent in send().await {
            sent.fails_as(503, "unavailable");
        }
        for chat in &chats {
            assert_eq!(chat.two.texts().await, ["before"]);
        }
        // One more keeps other instances away, and one looks now and then whether another server is in this one's place.
        eventually("no more connections are open", async || {
            (connections(&server) <= POOL_SIZE + 1).then_some(())
        })
        .await;
    }
    let waits = "PostgreSQL has not answered what was written before";
    assert!(duet.log().contains(waits), "{}", duet.log());
    assert_eq!(duet.ops().get("/health/ready").await.status, 503);
    wait_for("");
    eventually("messages flow again", async || {
        let all = send().await;
        all.iter().all(|sent| sent.status == 200).then_some(())
    })
    .await;
    for chat in &chats {
        assert_eq!(chat.two.texts().await, ["before", "meanwhile"]);
    }
}

#[tokio::test]
async fn the_doctor_says_that_commits_are_not_answered() {
    let server = Postgres::start().unwrap();
    assert!(on(&server).arg("migrate").run().status.success());
    server
        .run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        .unwrap();
    server.run("SELECT pg_reload_conf()").unwrap();
    // The server takes a moment to go by it.
    eventually("commits wait", async || {
        let doctor = on(&server).set("store.call_seconds", 1).arg("doctor").run();
        let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
        let waits = "FAIL  store     a commit was not answered within 1 s";
        (doctor.status.code() == Some(1) && found.contains(waits)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_gives_no_more_connections_is_not_reported_as_away_and_back() {
    let (server, url) = limited();
    let duet = at(&url).start().await;
    let chat = Chat::begin(&duet).await;
    let open = connections(&server);
    let limit = |most: &str| {
        let limit = format!("ALTER ROLE duet CONNECTION LIMIT {most}");
        server.run(&limit).unwrap();
    };
    limit(&open.to_string());
    let read = || join_all((0..30).map(|_| chat.two.texts()));
    let failed = async || duet.metric("duet_store_connections_failed_total").await;
    eventually("some connections are refused", async || {
        read().await;
        (failed().await >= 5.0).then_some(())
    })
    .await;
    let times = |words: &str| duet.log().matches(words).count();
    let [refused, again] = [
        "connections to PostgreSQL cannot be opened",
        "connections to PostgreSQL are opened again",
    ];
    assert_eq!((times(refused), times(again)), (1, 0), "{}", duet.log());
    limit("-1");
    eventually("connections are opened again", async || {
        read().await;
        (times(again) == 1).then_some(())
    })
    .await;
    assert_eq!(times(refused), 1, "{}", duet.log());
}
