//! An instance whose bus is its own has the database to itself.

use harness::servers::Postgres;

use super::on;
use crate::{
    start::refusing::refused,
    support::{Chat, eventually},
};

/// Ends the session that holds the lock of the one instance.
const END_HOLDER: &str = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
                          WHERE locktype = 'advisory' AND granted";

#[tokio::test]
async fn a_second_instance_is_refused_also_after_the_first_has_lost_its_connection() {
    let server = Postgres::start().unwrap();
    let duet = on(&server).start().await;
    refused(&on(&server).run(), &["bus.url"]);
    assert_eq!(server.run(END_HOLDER).unwrap(), "t");
    eventually("the first holds the database again", async || {
        let holders = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        (server.run(holders).unwrap() == "1").then_some(())
    })
    .await;
    refused(&on(&server).run(), &["bus.url"]);
    let chat = Chat::begin(&duet).await;
    assert_eq!(chat.one.say("Hello").await, 1);
}

#[tokio::test]
async fn an_instance_that_has_lost_the_database_to_another_stops() {
    let server = Postgres::start().unwrap();
    let mut duet = on(&server).set("server.drain_seconds", 1).start().await;
    // Somebody else takes the lock the moment its holder is gone.
    let take = format!(
        "CREATE TEMP TABLE held AS SELECT (classid::bigint << 32) | objid::bigint AS lock FROM pg_locks
             WHERE locktype = 'advisory' AND granted;
         {END_HOLDER};
         SELECT pg_advisory_lock(lock) FROM held;
         SELECT pg_sleep(120);"
    );
    let url = server.url();
    let other = std::process::Command::new("psql")
        .args(["-q", &url, "-c", &take])
        .stdout(std::process::Stdio::null())
        .spawn();
    let mut other = other.unwrap();
    let status = duet.wait().await;
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(
        duet.log().contains("serves this database already"),
        "{}",
        duet.log()
    );
}
