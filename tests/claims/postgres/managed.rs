//! Databases as providers offer them: standbys, schemas, parameters of the role, sockets, TLS by a
//! public authority.

use std::{fs, os::unix::fs::PermissionsExt};

use harness::servers::{Authority, Postgres};

use super::{at, on};
use crate::{
    start::refusing::refused,
    support::{Chat, Setup},
};

async fn serves(setup: Setup) {
    let duet = setup.start().await;
    let chat = Chat::begin(&duet).await;
    chat.one.say("Hello").await;
    assert_eq!(chat.two.texts().await, ["Hello"]);
    assert_eq!(duet.ops().get("/health/ready").await.status, 200);
    chat.one.end().await.ok();
}

#[test]
fn a_lone_standby_is_recognised() {
    let primary = Postgres::start().unwrap();
    let standby = primary.standby().unwrap();
    let setup = on(&standby).set("store.start_seconds", 1);
    refused(&setup.run(), &["only reads", "standby", "store.url"]);
}

#[tokio::test]
async fn settings_of_the_role_are_overridden_or_reported() {
    let server = Postgres::start().unwrap();
    server.run("CREATE ROLE app LOGIN").unwrap();
    server.run("GRANT ALL ON SCHEMA public TO app").unwrap();
    for (name, value) in [
        ("statement_timeout", "'1ms'"),
        ("lock_timeout", "'1ms'"),
        ("idle_session_timeout", "'1s'"),
        ("idle_in_transaction_session_timeout", "'1ms'"),
        ("default_transaction_isolation", "serializable"),
        ("synchronous_commit", "off"),
        ("datestyle", "'German'"),
        ("timezone", "'Asia/Kathmandu'"),
        ("client_encoding", "'LATIN1'"),
        ("standard_conforming_strings", "off"),
        ("bytea_output", "'escape'"),
        ("extra_float_digits", "-15"),
        ("plan_cache_mode", "force_generic_plan"),
        ("array_nulls", "off"),
    ] {
        let set = format!("ALTER ROLE app SET {name} = {value}");
        server.run(&set).unwrap();
    }
    serves(at(&server.url().replace("postgres@", "app@"))).await;
}

#[tokio::test]
async fn a_schema_of_its_own_is_used_where_the_role_or_the_url_says_so() {
    let server = Postgres::start().unwrap();
    server.run("CREATE SCHEMA tenant").unwrap();
    server.run("CREATE SCHEMA other").unwrap();
    server
        .run("ALTER ROLE postgres SET search_path = tenant")
        .unwrap();
    serves(on(&server)).await;
    let url = format!("{}?options=-c%20search_path%3Dother", server.url());
    serves(at(&url)).await;
    let tables =
        "SELECT string_agg(table_schema, ' ' ORDER BY table_schema) FROM information_schema.tables
                  WHERE table_name = 'messages'";
    assert_eq!(server.run(tables).unwrap(), "other tenant");
}

#[tokio::test]
async fn a_unix_socket_is_an_address() {
    let folder = tempfile::Builder::new().prefix("s").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut server = Postgres::new().unwrap();
    server.set("unix_socket_directories", folder.path().display());
    server.resume().unwrap();
    let socket = folder.path().display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@{socket}:{}/postgres", server.port());
    serves(at(&url)).await;
    // As libpq has it too.
    let url = format!(
        "postgres://postgres@/postgres?host={}&port={}",
        folder.path().display(),
        server.port()
    );
    serves(at(&url)).await;
    // Where no network is in between, there is nothing to encrypt.
    serves(at(&format!("{url}&sslmode=verify-full"))).await;
    let doctor = at(&url).arg("doctor").run();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(found.contains("a socket of this machine"), "{found}");
}

#[tokio::test]
async fn a_role_that_acts_for_another_is_not_taken_for_a_pooler() {
    let server = Postgres::start().unwrap();
    for sql in [
        "CREATE ROLE owner",
        "CREATE ROLE app LOGIN IN ROLE owner",
        "GRANT ALL ON SCHEMA public TO owner",
        "ALTER ROLE app SET role = owner",
    ] {
        server.run(sql).unwrap();
    }
    serves(at(&server.url().replace("postgres@", "app@"))).await;
    let owner = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(server.run(owner).unwrap(), "owner");
}

#[test]
fn a_missing_schema_is_named() {
    let server = Postgres::start().unwrap();
    let url = format!("{}?options=-c%20search_path%3Dmissing", server.url());
    refused(&at(&url).run(), &["no schema", "3F000", "search_path"]);
}

#[tokio::test]
async fn whom_the_system_trusts_vouches_for_a_server() {
    let authority = Authority::new().unwrap();
    let mut server = Postgres::new().unwrap();
    server
        .use_identity(&authority.issue(&["127.0.0.1"]).unwrap())
        .unwrap();
    server.resume().unwrap();
    let setup = || at(&format!("{}?sslmode=verify-full", server.url()));
    refused(
        &setup().arg("migrate").run(),
        &["nobody we trust", "sslrootcert"],
    );
    serves(setup().env("SSL_CERT_FILE", authority.certificate().display())).await;
}
