//! Several at once, old and new side by side.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use harness::servers::Postgres;

use super::on;
use crate::{start::refusing::refused, support::Chat, upgrade::FIRST_VERSION};

/// Runs SQL in a session of its own.
pub(super) fn in_psql(server: &Postgres, sql: &str) -> Child {
    let mut psql = Command::new("psql");
    psql.args(["-q", &server.url(), "-c", sql]);
    psql.stdout(Stdio::null()).spawn().unwrap()
}

/// Waits until another session holds such a lock; its process id in the server.
pub(super) fn holder_of(server: &Postgres, lock: &str) -> String {
    let find =
        format!("SELECT pid FROM pg_locks WHERE {lock} AND granted AND pid <> pg_backend_pid()");
    loop {
        let pid = server.run(&find).unwrap();
        if !pid.is_empty() {
            return pid;
        }
    }
}

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

#[test]
fn who_holds_the_lock_of_the_migrations_is_named_and_not_waited_for_for_ever() {
    const LOCK: i64 = 0x6475_6574_0001;
    let server = Postgres::start().unwrap();
    let hold = format!("SELECT pg_advisory_lock({LOCK}), pg_sleep(600)");
    let mut holder = in_psql(&server, &hold);
    let pid = holder_of(&server, "locktype = 'advisory'");
    for command in ["migrate", "serve"] {
        let setup = on(&server).set("store.start_seconds", 1).arg(command);
        let output = setup.run();
        refused(&output, &[&format!("pid {pid} (psql, role postgres)")]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            told.contains("waiting for the lock of the migrations"),
            "{told}"
        );
    }
    server
        .run(&format!("SELECT pg_terminate_backend({pid})"))
        .unwrap();
    holder.wait().unwrap();
    assert!(on(&server).arg("migrate").run().status.success());
}

/// Such as a backup.
#[test]
fn who_reads_a_table_that_is_to_be_changed_holds_up_nobody_else() {
    let server = Postgres::start().unwrap();
    server.run(FIRST_VERSION).unwrap();
    let read = "BEGIN; LOCK TABLE chats IN ACCESS SHARE MODE; SELECT pg_sleep(600)";
    let mut reader = in_psql(&server, read);
    let pid = holder_of(
        &server,
        "mode = 'AccessShareLock' AND relation = 'chats'::regclass",
    );
    let mut setup = on(&server).arg("migrate");
    let migrate = setup.command().stderr(Stdio::piped()).spawn().unwrap();
    let waiting =
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'chats'::regclass";
    for _ in 0..3 {
        while server.run(waiting).unwrap() == "0" {}
        // What an instance allows itself.
        let ask = "SET lock_timeout = '1s'; SELECT count(*) FROM chats";
        server.run(ask).unwrap();
    }
    server
        .run(&format!("SELECT pg_terminate_backend({pid})"))
        .unwrap();
    reader.wait().unwrap();
    let done = migrate.wait_with_output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(
        done.status.success() && told.contains("lock timeout"),
        "{told}"
    );
}

#[test]
fn a_migration_that_is_killed_at_any_moment_can_be_begun_again() {
    for milliseconds in [0, 5, 10, 15, 20, 30, 40, 60] {
        let server = Postgres::start().unwrap();
        let mut migrate = on(&server).arg("migrate");
        let mut child = migrate.command().stdout(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let again = migrate.run();
        assert!(again.status.success(), "{again:?}");
    }
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
