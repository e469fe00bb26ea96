//! Servers that cannot be migrated at once, beside one that is up to date.

use harness::servers::Postgres;

use super::*;
use crate::{
    postgres::migrations::{holder_of, in_psql},
    start::refusing::refused,
    upgrade::FIRST_VERSION,
};

/// A server with a map, and one with the tables of the first version.
fn current_and_old() -> [Postgres; 2] {
    let servers = [(); 2].map(|()| Postgres::start().unwrap());
    let migrated = over(&[&servers[0]]).arg("migrate").run();
    assert!(migrated.status.success(), "{migrated:?}");
    servers[1].run(FIRST_VERSION).unwrap();
    servers
}

#[actix_web::test]
async fn a_server_whose_table_is_in_use_is_waited_for_as_long_as_a_lone_one() {
    let [one, two] = current_and_old();
    let read = "BEGIN; LOCK TABLE chats IN ACCESS SHARE MODE; SELECT pg_sleep(600)";
    let mut reader = in_psql(&two, read);
    let pid = holder_of(
        &two,
        "mode = 'AccessShareLock' AND relation = 'chats'::regclass",
    );
    for command in ["migrate", "serve"] {
        let setup = over(&[&one, &two]).set("store.start_seconds", 1);
        let output = setup.arg(command).run();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        let last = told.lines().last().unwrap_or_default();
        assert!(last.starts_with("duet: ") && last.contains(&place(&two)));
        assert!(last.contains("uses a table that a migration"), "{told}");
    }
    two.run(&format!("SELECT pg_terminate_backend({pid})"))
        .unwrap();
    reader.wait().unwrap();
    let duet = over(&[&one, &two]).start().await;
    until_store_is(&duet, "up").await;
}

#[test]
fn a_migration_that_leaves_a_server_out_fails() {
    let [one, mut two] = current_and_old();
    two.kill();
    let setup = over(&[&one, &two]).set("store.start_seconds", 1);
    let output = setup.arg("migrate").run();
    refused(&output, &[&place(&two), "Connection refused"]);
    two.resume().unwrap();
    let output = over(&[&one, &two]).arg("migrate").run();
    assert!(output.status.success(), "{output:?}");
    let newest = "SELECT max(version) FROM refinery_schema_history";
    assert_eq!(one.run(newest).unwrap(), two.run(newest).unwrap());
}
