//! Several at once, old and new side by side.

use std::{
    fs,
    process::{Child, Stdio},
};

use loadtest::servers::Postgres;

use super::on;
use crate::support::Chat;

#[test]
fn four_that_migrate_at_once_all_succeed() {
    let server = Postgres::start().unwrap();
    let start = |_| {
        let mut migrate = on(&server).arg("migrate");
        let child = migrate.command().stdout(Stdio::null()).spawn().unwrap();
        (child, migrate)
    };
    let started: Vec<(Child, _)> = (0..4).map(start).collect();
    for (mut child, _folder) in started {
        assert!(child.wait().unwrap().success());
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");
    let files = fs::read_dir(folder).unwrap().count();
    let applied = server.run("SELECT count(*) FROM refinery_schema_history");
    assert_eq!(applied.unwrap(), files.to_string());
}

#[tokio::test]
async fn an_older_instance_serves_a_database_that_a_newer_one_has_migrated() {
    let server = Postgres::start().unwrap();
    assert!(on(&server).arg("migrate").run().status.success());
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (9999, 'of_a_newer_duet', '2026-01-01T00:00:00Z', '1')";
    server.run(newer).unwrap();
    let duet = on(&server).start().await;
    let chat = Chat::begin(&duet).await;
    assert_eq!(chat.one.say("Hello").await, 1);
}
