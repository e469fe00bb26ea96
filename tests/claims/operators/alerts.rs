//! The shipped rules in a living Prometheus: each alert fires in the outage that it is for, and
//! resolves after it.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use harness::servers::{Postgres, Process, Redis, free_port};
use serde_json::Value;
use tempfile::TempDir;

use super::config;
use crate::support::{Api, Chat, DEADLINE, Server, Setup, eventually, within};

/// The rules wait for minutes; a test cannot.
const FASTER: [(&str, &str); 9] = [
    // Subscriptions are made again at a distance that grows.
    ("reconnects_total[15m]", "reconnects_total[25s]"),
    ("[5m]", "[8s]"),
    ("[15m]", "[8s]"),
    ("for: 15s", "for: 1s"),
    ("for: 30s", "for: 1s"),
    ("for: 1m", "for: 1s"),
    ("for: 2m", "for: 1s"),
    ("for: 5m", "for: 1s"),
    ("interval: 15s", "interval: 1s"),
];

const POLL: Duration = Duration::from_millis(200);

/// A Prometheus that scrapes some instances, with the shipped files.
pub(super) struct Prometheus {
    _folder: TempDir,
    _process: Process,
    api: Api,
}

impl Prometheus {
    pub(super) fn start(instances: &[SocketAddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = |name: &str, change: &dyn Fn(String) -> String| {
            let mut text = fs::read_to_string(config("prometheus").join(name)).unwrap();
            for (slow, fast) in FASTER {
                text = text.replace(slow, fast);
            }
            fs::write(folder.path().join(name), change(text)).unwrap();
        };
        copy("alerts.yml", &|text| text);
        copy("prometheus.yml", &|text| {
            let (head, _) = text.split_once("          - 10.").unwrap();
            let targets = instances
                .iter()
                .map(|address| format!("          - {address}\n"));
            head.to_owned() + &targets.collect::<String>()
        });
        let port = free_port().unwrap();
        let mut command = Command::new("/usr/bin/prometheus");
        command
            .arg(flag("config.file", &folder.path().join("prometheus.yml")))
            .arg(flag("storage.tsdb.path", &folder.path().join("data")))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let log = folder.path().join("log");
        let process = Process::start("Prometheus", &mut command, &log, |_| {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            _process: process.unwrap(),
            api: Api::at(SocketAddr::from(([127, 0, 0, 1], port))),
            _folder: folder,
        }
    }

    /// Whether an alert is firing now.
    pub(super) async fn fires(&self, name: &str) -> bool {
        let answer = self.api.get("/api/v1/alerts").await;
        if answer.status == 503 {
            // It is still starting.
            return false;
        }
        let answer = answer.json();
        let alerts = answer["data"]["alerts"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        alerts
            .iter()
            .any(|alert: &Value| alert["labels"]["alertname"] == name && alert["state"] == "firing")
    }

    /// Waits until it has scraped every instance: of a counter it must know the value from before.
    pub(super) async fn scrapes(&self) {
        eventually("Prometheus has scraped everything", async || {
            let answer = self.api.get("/api/v1/query?query=min(up)").await;
            (answer.status == 200 && answer.json()["data"]["result"][0]["value"][1] == "1")
                .then_some(())
        })
        .await;
    }

    pub(super) async fn becomes(&self, name: &str, firing: bool) {
        let what = format!("{name} is {}", if firing { "firing" } else { "resolved" });
        let changed = async {
            while self.fires(name).await != firing {
                tokio::time::sleep(POLL).await;
            }
        };
        // The longest window has to pass first.
        within(2 * DEADLINE, &what, changed).await;
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

async fn cluster(postgres: &Postgres, redis: &Redis) -> Server {
    Setup::new()
        .set("store.url", postgres.url())
        .set("bus.url", redis.url())
        .set("limits.streams_per_instance", 2)
        .set("limits.sweep_seconds", 1)
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn outages_of_the_store_fire_their_alerts_and_resolve_them() {
    let mut postgres = Postgres::start().unwrap();
    let redis = Redis::start().unwrap();
    let duet = cluster(&postgres, &redis).await;
    let prometheus = Prometheus::start(&[duet.address]);
    let chat = Chat::begin(&duet).await;

    // Gone altogether; somebody goes on sending.
    postgres.kill();
    let sending = async {
        loop {
            chat.one.say_as(uuid::Uuid::new_v4(), "Hello?").await;
        }
    };
    let told = async {
        prometheus.becomes("DuetStoreFails", true).await;
        prometheus.becomes("DuetRefusesRequests", true).await;
    };
    tokio::select! {
        () = told => {}
        never = sending => match never {},
    }
    postgres.resume().unwrap();
    prometheus.becomes("DuetStoreFails", false).await;
    prometheus.becomes("DuetRefusesRequests", false).await;

    // Slow.
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.7); RETURN NEW; END $$;
                CREATE TRIGGER slow BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION slow()";
    postgres.run(slow).unwrap();
    let sending = async {
        loop {
            chat.one.say_as(uuid::Uuid::new_v4(), "Hello?").await;
        }
    };
    tokio::select! {
        () = prometheus.becomes("DuetCommitsSlowly", true) => {}
        never = sending => match never {},
    }
    postgres.run("DROP TRIGGER slow ON messages").unwrap();
    prometheus.becomes("DuetCommitsSlowly", false).await;

    // Takes messages, and deletes nothing.
    let broken = "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
                  $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
                  CREATE TRIGGER broken BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION broken()";
    postgres.run(broken).unwrap();
    chat.one.end().await.ok();
    prometheus.becomes("DuetDeletesNothing", true).await;
    postgres.run("DROP TRIGGER broken ON messages").unwrap();
    prometheus.becomes("DuetDeletesNothing", false).await;
    eventually("the messages are gone", async || {
        (postgres.run("SELECT count(*) FROM messages").unwrap() == "0").then_some(())
    })
    .await;
    let log = duet.log();
    for words in [
        "ended chats are not deleted",
        "ended chats are deleted again",
    ] {
        assert!(log.contains(words), "nothing of {words}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_outages_fire_their_alerts_and_resolve_them() {
    let postgres = Postgres::start().unwrap();
    let mut redis = Redis::start().unwrap();
    let mut duet = cluster(&postgres, &redis).await;
    let prometheus = Prometheus::start(&[duet.address]);
    let chat = Chat::begin(&duet).await;

    let streams = (chat.one.listen().await, chat.two.listen().await);
    prometheus.becomes("DuetStreamsNearLimit", true).await;
    drop(streams);
    prometheus.becomes("DuetStreamsNearLimit", false).await;

    redis.kill();
    prometheus.becomes("DuetDoesNotHearRedis", true).await;
    redis.resume().unwrap();
    prometheus.becomes("DuetDoesNotHearRedis", false).await;
    let limit_memory = |bytes| redis.command(&["CONFIG", "SET", "maxmemory", bytes]);
    limit_memory("1").unwrap();
    prometheus.becomes("DuetDoesNotHearRedis", true).await;
    limit_memory("0").unwrap();
    prometheus.becomes("DuetDoesNotHearRedis", false).await;

    duet.kill_9();
    prometheus.becomes("DuetInstanceAway", true).await;
    let _duet = duet.restart().await;
    prometheus.becomes("DuetInstanceAway", false).await;
}

fn shipped_rules() -> String {
    fs::read_to_string(config("prometheus/alerts.yml")).unwrap()
}

fn names(rules: &str) -> Vec<&str> {
    let lines = rules.lines();
    let names = lines.filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.collect()
}

#[test]
fn the_guide_tells_what_to_do_about_every_alert() {
    let rules = shipped_rules();
    let guide = fs::read_to_string(config("../docs/operations.md")).unwrap();
    let mut names = names(&rules);
    let rows: Vec<&str> = guide
        .lines()
        .filter(|line| line.starts_with("| `Duet"))
        .collect();
    for name in &names {
        let told = rows.iter().any(|row| row.contains(&format!("`{name}`")));
        assert!(told, "the guide says nothing about {name}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names.len(),
        rules.matches("- alert: ").count(),
        "one is there twice"
    );
    assert!(names.len() > 12, "{names:?}");
}

/// The claims that have alerts fired.
const CLAIMS: [&str; 3] = [
    include_str!("alerts.rs"),
    include_str!("alerts_of_queues.rs"),
    include_str!("alerts_of_defects.rs"),
];

#[test]
fn every_shipped_alert_is_fired_and_resolved_by_a_claim() {
    for name in names(&shipped_rules()) {
        for firing in [true, false] {
            let change = format!("becomes(\"{name}\", {firing})");
            let claimed = CLAIMS.iter().any(|claims| claims.contains(&change));
            assert!(claimed, "no claim has {change}");
        }
    }
}

/// The rules with their real durations, which no test can wait for, in Prometheus's own tests of rules.
#[test]
fn alerts_fire_as_late_as_their_rules_say() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        config("prometheus/alerts.yml"),
        folder.path().join("alerts.yml"),
    )
    .unwrap();
    fs::write(folder.path().join("test.yml"), RULE_TESTS).unwrap();
    let checked = Command::new("/usr/bin/promtool")
        .args(["test", "rules", "test.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

const RULE_TESTS: &str = include_str!("alerts.test.yml");
