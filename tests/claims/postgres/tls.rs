//! TLS and passwords.

use harness::servers::{Authority, Postgres};

use super::at;
use crate::{start::refusing::refused, support::Chat};

fn with_tls(names: &[&str]) -> (Postgres, Authority) {
    let authority = Authority::new().unwrap();
    let mut server = Postgres::new().unwrap();
    server
        .use_identity(&authority.issue(names).unwrap())
        .unwrap();
    server.resume().unwrap();
    (server, authority)
}

fn url(server: &Postgres, query: &str) -> String {
    format!("{}?{query}", server.url())
}

fn trusting(authority: &Authority, mode: &str) -> String {
    format!(
        "sslmode={mode}&sslrootcert={}",
        authority.certificate().display()
    )
}

#[tokio::test]
async fn a_server_whose_issuer_is_trusted_is_used_over_tls() {
    let (server, authority) = with_tls(&["127.0.0.1"]);
    let duet = at(&url(&server, &trusting(&authority, "verify-full")))
        .start()
        .await;
    let chat = Chat::begin(&duet).await;
    chat.one.say("Hello").await;
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                 WHERE application_name = 'duet' AND NOT ssl";
    assert_eq!(server.run(plain).unwrap(), "0");
    assert_eq!(chat.two.texts().await, ["Hello"]);
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let (server, _) = with_tls(&["127.0.0.1"]);
    let stranger = Authority::new().unwrap();
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        let migrate = at(&url(&server, &trusting(&stranger, mode))).arg("migrate");
        refused(&migrate.run(), &["nobody we trust", "sslrootcert"]);
    }
}

#[test]
fn a_certificate_for_another_name_is_refused_where_the_name_counts() {
    let (server, authority) = with_tls(&["elsewhere.example"]);
    let migrate = |mode| {
        let migrate = at(&url(&server, &trusting(&authority, mode))).arg("migrate");
        migrate.run()
    };
    refused(&migrate("verify-full"), &["certificate", "127.0.0.1"]);
    assert!(migrate("verify-ca").status.success());
}

#[test]
fn sslmode_require_sends_nothing_to_a_server_without_tls() {
    let server = Postgres::start().unwrap();
    let migrate = |query| at(&url(&server, query)).arg("migrate").run();
    refused(&migrate("sslmode=require"), &["TLS"]);
    assert!(migrate("sslmode=prefer").status.success());
}

#[test]
fn a_wrong_password_is_reported_without_the_password() {
    let mut server = Postgres::start().unwrap();
    server.run("ALTER ROLE postgres PASSWORD 'right'").unwrap();
    server.kill();
    server.ask_for_passwords().unwrap();
    server.resume().unwrap();
    let migrate = |password: &str| {
        let url = format!(
            "postgres://postgres:{password}@{}/postgres",
            server.address()
        );
        at(&url).arg("migrate").run()
    };
    let told = refused(&migrate("guessed"), &["password", "store.url"]);
    assert!(!told.contains("guessed"), "{told}");
    assert!(migrate("right").status.success());
}

#[test]
fn a_file_without_certificates_is_named() {
    let server = Postgres::start().unwrap();
    let query = "sslmode=verify-ca&sslrootcert=/dev/null";
    let migrate = at(&url(&server, query)).arg("migrate").run();
    refused(&migrate, &["/dev/null"]);
}
