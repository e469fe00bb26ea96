//! A server with few connections.

use futures_util::future::join_all;
use harness::servers::Postgres;

use super::at;
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
