//! The guide, done as it is written: its commands are read from it and carried out.

use std::{fs, path::Path, process::Command};

use loadtest::servers::{Authority, Postgres, Redis, free_port};

use super::config;
use crate::support::{Chat, Server, Setup};

/// The commands of a language that a guide shows.
fn commands(guide: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(config("../docs").join(guide)).unwrap();
    let begin = format!("```{language}\n");
    let blocks = text.split(begin.as_str()).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// Runs statements one after the other, as a role of a database.
fn run_as(server: &Postgres, role: &str, database: &str, statements: &str) {
    let url = format!("postgres://{role}@{}/{database}", server.address());
    for statement in statements.split_inclusive(';') {
        if statement.trim().is_empty() {
            continue;
        }
        let done = Command::new("psql")
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-c", statement, &url])
            .status();
        assert!(done.unwrap().success(), "{statement}");
    }
}

/// Redis by TLS, with the user of the guide.
fn redis(authority: &Authority) -> (Redis, String) {
    let identity = authority.issue(&["localhost"]).unwrap();
    let port = free_port().unwrap().to_string();
    let guide = commands("redis.md", "");
    let user = guide.iter().find(|block| block.starts_with("user duet"));
    let user = user.unwrap().trim().replacen("user ", "--user ", 1);
    let (certificate, key) = (identity.certificate, identity.key);
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let mut options: Vec<&str> = user.split(' ').collect();
    let issuer = authority.certificate();
    options.extend(["--tls-port", &port, "--tls-auth-clients", "no"]);
    options.extend(["--tls-cert-file", certificate, "--tls-key-file", key]);
    options.extend(["--tls-ca-cert-file", issuer.to_str().unwrap()]);
    let redis = Redis::start_with(&options).unwrap();
    (redis, format!("rediss://duet:SECRET@localhost:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_built_and_replaced_as_the_guide_says() {
    let postgres = Postgres::start().unwrap();
    let authority = Authority::new().unwrap();
    let (_redis, bus) = redis(&authority);
    let sql = commands("operations.md", "sql");
    run_as(&postgres, "postgres", "postgres", &sql[0]);
    run_as(&postgres, "duet_owner", "duet", &sql[1]);
    let instance = |role: &str| {
        let store = format!("postgres://{role}@{}/duet", postgres.address());
        Setup::new()
            .arg("--config")
            .arg(config("cluster.toml").to_str().unwrap())
            .set("server.ops_bind", "127.0.0.1:0")
            .set("server.trusted_proxies", "127.0.0.1")
            .set("server.leave_seconds", 0)
            .set("store.url", store)
            .set("bus.url", &bus)
            .set("bus.tls_ca", authority.certificate().display())
    };
    let migrated = instance("duet_owner").arg("migrate").run();
    assert!(migrated.status.success(), "{migrated:?}");

    let (mut one, mut other) = tokio::join!(instance("duet").start(), instance("duet").start());
    let chat = Chat::begin(&one).await;
    let chat_there = Chat::begin(&other).await;
    chat.one.say("before").await;
    // One after the other is stopped and started again, and people talk on.
    for round in 0..2 {
        assert_eq!(one.terminate().await.code(), Some(0), "{}", one.log());
        let chat = chat_there.two.at(&other);
        chat.say(&format!("meanwhile {round}")).await;
        one = instance("duet").start().await;
        std::mem::swap(&mut one, &mut other);
    }
    let chat = chat.moved_to(&one);
    let mut stream = chat.two.at(&other).listen().await;
    stream.next_of("hello").await;
    chat.one.say("after").await;
    assert_eq!(stream.next_texts(1).await, ["after"]);
    assert_eq!(chat.two.texts().await, ["before", "after"]);
    for server in [&one, &other] {
        assert_eq!(server.ops().get("/health/ready").await.status, 200);
        for line in server.log().lines() {
            assert!(line.starts_with('{'), "no JSON: {line}");
        }
    }
    let doctor = instance("duet").arg("doctor").run();
    assert!(
        doctor.status.success(),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
}

#[tokio::test]
async fn a_backup_is_restored_as_the_guide_says() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Before").await;
    assert!(
        server
            .setup()
            .arg("backup")
            .arg("FILE")
            .run()
            .status
            .success()
    );
    chat.one.say("After").await;
    assert_eq!(server.terminate().await.code(), Some(0));

    let restore = commands("operations.md", "sh");
    let restore = restore.iter().find(|block| block.contains("duet restore"));
    let restore = restore.unwrap().replace("duet serve\n", "");
    let programs = Path::new(env!("CARGO_BIN_EXE_duet")).parent().unwrap();
    let done = Command::new("/bin/sh")
        .args(["-e", "-c", &restore])
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .current_dir(server.folder())
        .status();
    assert!(done.unwrap().success(), "{restore}");
    let server = server.restart().await;
    assert_eq!(chat.moved_to(&server).two.texts().await, ["Before"]);
}

#[test]
fn systemd_accepts_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = fs::read_to_string(config("systemd/duet.service")).unwrap();
    let program = env!("CARGO_BIN_EXE_duet");
    let path = folder.path().join("duet.service");
    fs::write(&path, unit.replace("/usr/local/bin/duet", program)).unwrap();
    let checked = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output();
    let checked = checked.unwrap();
    assert!(
        checked.status.success() && checked.stderr.is_empty(),
        "{checked:?}"
    );
    for line in [
        "LimitCORE=0",
        "StartLimitIntervalSec=0",
        "ExecReload=kill -HUP $MAINPID",
    ] {
        assert!(unit.contains(line), "nothing of {line}");
    }
}
