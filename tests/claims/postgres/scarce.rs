//! A server with few connections.

use harness::servers::Postgres;

use super::at;

/// The server with a role whose connections it limits, and the URL for that role.
fn limited() -> (Postgres, String) {
    let server = Postgres::start().unwrap();
    server.run("CREATE ROLE duet LOGIN").unwrap();
    server.run("GRANT ALL ON SCHEMA public TO duet").unwrap();
    let url = server.url().replace("postgres@", "duet@");
    (server, url)
}

#[test]
fn a_migration_takes_two_connections() {
    let (server, url) = limited();
    server.run("ALTER ROLE duet CONNECTION LIMIT 2").unwrap();
    let migrate = at(&url).set("store.start_seconds", 1).arg("migrate");
    let output = migrate.run();
    assert!(output.status.success(), "{output:?}");
}
