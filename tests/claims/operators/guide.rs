//! The guide, done as it is written: its commands are read from it and carried out.

use std::{fs, path::Path, process::Command};

use harness::servers::{Authority, Balancer, HeldPort, Kind, Postgres, Redis, Shape, free_port};
use tokio::task::block_in_place;

use super::{alerts::Prometheus, config};
use crate::{
    cluster::traffic::Traffic,
    support::{Api, Chat, Server, Setup, tls::Renewable},
};

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

/// A proxy as it is shipped before these instances, and a client that comes through it.
fn proxy(kind: Kind, port: u16, authority: &Authority, instances: &[u16]) -> (Balancer, Api) {
    let identity = authority.issue(&["localhost"]).unwrap();
    let identity = Some(&identity);
    let balancer = Balancer::start(kind, Shape::Alike, port, identity, instances).unwrap();
    let api = Api::trusting(&format!("https://localhost:{port}"), authority);
    (balancer, api)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_built_and_replaced_as_the_guide_says() {
    let mut postgres = Postgres::start().unwrap();
    let authority = Authority::new().unwrap();
    let (mut redis, bus) = redis(&authority);
    let sql = commands("operations.md", "sql");
    run_as(&postgres, "postgres", "postgres", &sql[0]);
    run_as(&postgres, "duet_owner", "duet", &sql[1]);
    let public = free_port().unwrap();
    let url = {
        let address = postgres.address();
        move |role: &str, database: &str| format!("postgres://{role}@{address}/{database}")
    };
    let instance = |role: &str, database: &str| {
        Setup::new()
            .arg("--config")
            .arg(config("cluster.toml").to_str().unwrap())
            .set("server.public_url", format!("https://localhost:{public}"))
            .set("server.ops_bind", "127.0.0.1:0")
            .set("server.trusted_proxies", "127.0.0.1")
            .set("limits.exempt_addresses", "127.0.0.1")
            .set("store.url", url(role, database))
            .set("bus.url", &bus)
            .set("bus.tls_ca", authority.certificate().display())
    };
    let migrated = instance("duet_owner", "duet").arg("migrate").run();
    assert!(migrated.status.success(), "{migrated:?}");

    // Where Prometheus finds an instance again that was replaced.
    let ops = [HeldPort::any().unwrap(), HeldPort::any().unwrap()];
    let ops = ops
        .each_ref()
        .map(|port| format!("127.0.0.1:{}", port.number()));
    let start = |ops: &str| instance("duet", "duet").set("server.ops_bind", ops).start();
    let (one, other) = tokio::join!(start(&ops[0]), start(&ops[1]));
    let prometheus = Prometheus::start(&ops.map(|address| address.parse().unwrap()));
    let mut servers = [Some(one), Some(other)];
    let ports = servers
        .each_ref()
        .map(|server| server.as_ref().unwrap().address.port());
    let (_haproxy, by_haproxy) = proxy(Kind::Haproxy, public, &authority, &ports);
    let beside = free_port().unwrap();
    let (_nginx, by_nginx) = proxy(Kind::Nginx, beside, &authority, &ports);
    let talks = [
        Traffic::begin(&by_haproxy, 3).await,
        Traffic::begin(&by_nginx, 3).await,
    ];
    let go_on = async || {
        for talk in &talks {
            talk.goes_on(30).await;
        }
    };
    prometheus.scrapes().await;
    // One after the other is stopped and started again, and people talk on.
    for place in &mut servers {
        let mut server = place.take().unwrap();
        assert_eq!(server.terminate().await.code(), Some(0), "{}", server.log());
        prometheus.becomes("DuetInstanceAway", true).await;
        go_on().await;
        *place = Some(server.restart().await);
        prometheus.becomes("DuetInstanceAway", false).await;
        go_on().await;
    }
    // What they all lean on goes away and comes back.
    block_in_place(|| redis.kill());
    prometheus.becomes("DuetDoesNotHearRedis", true).await;
    go_on().await;
    block_in_place(|| redis.resume()).unwrap();
    prometheus.becomes("DuetDoesNotHearRedis", false).await;
    block_in_place(|| postgres.kill());
    prometheus.becomes("DuetStoreFails", true).await;
    block_in_place(|| postgres.resume()).unwrap();
    prometheus.becomes("DuetStoreFails", false).await;
    go_on().await;
    for talk in talks {
        talk.verdict().await;
    }
    for server in servers.iter().flatten() {
        assert_eq!(server.ops().get("/health/ready").await.status, 200);
        for line in server.log().lines() {
            assert!(line.starts_with('{'), "no JSON: {line}");
        }
    }
    let doctor = instance("duet", "duet").arg("doctor").run();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.success(), "{found}");
    assert!(
        found.contains("other instances heard through Redis: 2"),
        "{found}"
    );
    assert_eq!(found.matches("ms apart").count(), 2, "{found}");

    let chat = Chat::begin_at(&by_haproxy).await;
    chat.one.say("Before").await;
    let dump = commands("operations.md", "sh");
    let dump = dump.iter().find(|block| block.contains("pg_dump"));
    let dump = dump.unwrap().split_inclusive('\n');
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| {
        let done = Command::new("/bin/sh")
            .args(["-e", "-c", command])
            .env("OWNER_URL", url("duet_owner", "duet"))
            .env("EMPTY_URL", url("duet_owner", "restored"))
            .current_dir(folder.path())
            .status();
        assert!(done.unwrap().success(), "{command}");
    };
    let [dump, restore] = dump.collect::<Vec<_>>()[..] else {
        panic!("one command makes the dump, one puts it back");
    };
    run(dump);
    chat.one.say("After").await;
    drop(servers);
    let create = sql[0]
        .split(';')
        .find(|part| part.contains("CREATE DATABASE"));
    let create = create.unwrap().replacen("duet", "restored", 1);
    run_as(&postgres, "postgres", "postgres", &create);
    run(restore);
    let server = instance("duet", "restored").start().await;
    assert_eq!(chat.moved_to(&server).two.texts().await, ["Before"]);
}

/// The unit's own command, as systemd carries it out.
#[tokio::test]
async fn a_renewed_certificate_is_taken_at_a_reload_as_the_unit_does_it() {
    let (old, new) = (Authority::new().unwrap(), Authority::new().unwrap());
    let renewable = Renewable::start(&old).await;
    let chat = Chat::begin_at(&renewable.trusting(&old)).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    renewable.renew(&new);
    let unit = fs::read_to_string(config("systemd/duet.service")).unwrap();
    let reload = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecReload="));
    let reloaded = Command::new("/bin/sh")
        .args(["-c", reload.unwrap()])
        .env("MAINPID", renewable.server.id().to_string())
        .status();
    assert!(reloaded.unwrap().success());
    renewable.becomes(&new).await;
    // Whoever is there stays.
    chat.one
        .through(&renewable.trusting(&new))
        .say("Hello")
        .await;
    assert_eq!(stream.next_texts(1).await, ["Hello"]);
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
        "LoadCredential=duet.store.url",
        "LoadCredential=duet.bus.url",
    ] {
        assert!(unit.contains(line), "nothing of {line}");
    }
}
