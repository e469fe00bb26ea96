//! What each role may do: the owner makes the tables, another one serves.

use harness::servers::Postgres;

use super::at;
use crate::{
    start::refusing::refused,
    support::{Chat, Setup},
};

/// With an owner of the tables and a role that serves, as `docs/operations.md` makes them.
fn with_roles() -> Postgres {
    let server = Postgres::start().unwrap();
    for sql in [
        "CREATE ROLE owner LOGIN",
        "CREATE ROLE app LOGIN",
        "CREATE DATABASE duet OWNER owner",
    ] {
        server.run(sql).unwrap();
    }
    server
}

fn as_role(server: &Postgres, role: &str) -> Setup {
    at(&format!("postgres://{role}@{}/duet", server.address()))
}

fn run_as(server: &Postgres, role: &str, sql: &str) {
    let url = format!("postgres://{role}@{}/duet", server.address());
    let done = std::process::Command::new("psql")
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &url])
        .status();
    assert!(done.unwrap().success(), "{sql}");
}

#[tokio::test]
async fn a_role_that_may_only_read_and_write_serves_what_the_owner_made() {
    let server = with_roles();
    assert!(
        as_role(&server, "owner")
            .arg("migrate")
            .run()
            .status
            .success()
    );
    let grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app";
    run_as(&server, "owner", grant);
    let mut duet = as_role(&server, "app").start().await;
    let chat = Chat::begin(&duet).await;
    chat.one.say("Hello").await;
    assert_eq!(chat.two.texts().await, ["Hello"]);
    assert_eq!(duet.ops().get("/health/ready").await.status, 200);
    chat.one.end().await.ok();
    assert_eq!(duet.terminate().await.code(), Some(0));
    assert!(
        as_role(&server, "app")
            .arg("migrate")
            .run()
            .status
            .success()
    );

    // Each right that is missing is named at the start, and not met later.
    run_as(
        &server,
        "owner",
        "REVOKE DELETE ON messages FROM app; REVOKE UPDATE ON chats FROM app",
    );
    let words = [
        "app lacks rights",
        "DELETE on messages",
        "UPDATE on chats",
        "GRANT",
    ];
    refused(&as_role(&server, "app").run(), &words);
}

#[test]
fn a_role_without_the_right_to_make_tables_gets_the_servers_error_and_the_missing_grant() {
    let server = with_roles();
    let words = [
        "permission denied for schema public",
        "42501",
        "duet migrate",
        "GRANT",
    ];
    for command in ["serve", "migrate"] {
        let output = as_role(&server, "app").arg(command).run();
        refused(&output, &words[..3]);
    }
    assert!(
        as_role(&server, "owner")
            .arg("migrate")
            .run()
            .status
            .success()
    );
    // Nothing was granted: the record of the migrations cannot even be read.
    refused(
        &as_role(&server, "app").run(),
        &["permission denied", "42501"],
    );
}
