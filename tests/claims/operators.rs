//! What `config/` gives to operators: it must work as it is, and speak of what there is.

mod alerts;
mod guide;

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use loadtest::servers::{Kind, Postgres, Shape};

use crate::support::{Chat, Setup, cluster::Cluster, eventually};

fn config(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(name)
}

#[test]
fn the_settings_of_a_cluster_are_right() {
    let file = config("cluster.toml");
    let checked = Setup::new()
        .arg("--config")
        .arg(file.to_str().unwrap())
        .arg("check-config")
        .run();
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{checked:?}");
    for word in ["127.0.0.1:0", "all", "PostgreSQL", "Redis"] {
        assert!(told.contains(word), "nothing of {word}: {told}");
    }
}

#[tokio::test]
async fn an_instance_runs_with_the_settings_of_a_cluster() {
    let file = config("cluster.toml");
    let mut server = Setup::new()
        .arg("--config")
        .arg(file.to_str().unwrap())
        .set("store.url", "sqlite://data/duet.db")
        .set("bus.url", "local")
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Hello").await;
    assert_eq!(server.terminate().await.code(), Some(0));
    for line in server.log().lines() {
        assert!(line.starts_with('{'), "no JSON: {line}");
    }
}

#[test]
fn promtool_accepts_the_scrape_configuration_and_the_alerts() {
    let checks = [("config", "prometheus.yml"), ("rules", "alerts.yml")];
    for (what, file) in checks {
        let checked = Command::new("/usr/bin/promtool")
            .args(["check", what])
            .arg(config("prometheus").join(file))
            .output()
            .unwrap();
        assert!(checked.status.success(), "{checked:?}");
    }
}

#[tokio::test]
async fn every_metric_that_alerts_and_dashboard_name_is_served() {
    let cluster = Cluster::start(Kind::Haproxy, Shape::Alike, &[]);
    let chat = Chat::begin_at(&cluster.api()).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    chat.one.say("Hello").await;
    let instance = cluster.instance(0);
    instance.get("/chat-server/nowhere").await.fails(404);
    let served = instance.get("/metrics").await;
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let urls = format!("{} {}", one.url(), two.url());
    let of_several = Setup::new().env("DUET_STORE__URLS", urls).start().await;
    let of_several = of_several.ops().get("/metrics").await;
    let served: BTreeSet<&str> = [served.text(), of_several.text()]
        .into_iter()
        .flat_map(str::lines)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split([' ', '{']).next())
        .collect();
    for file in ["prometheus/alerts.yml", "grafana/duet.json"] {
        let text = fs::read_to_string(config(file)).unwrap();
        let named: BTreeSet<&str> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| word.starts_with("duet_"))
            .collect();
        assert!(named.len() > 5, "{named:?}");
        let missing: Vec<_> = named.difference(&served).collect();
        assert!(missing.is_empty(), "{file} names {missing:?}");
    }
    let dashboard = fs::read(config("grafana/duet.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_slice(&dashboard).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
}

/// The table of all metrics, as it must stand in the guide.
fn table(served: &str) -> String {
    let helps = served
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP "));
    let rows: BTreeSet<String> = helps
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| name.starts_with("duet_"))
        .map(|(name, help)| format!("| `{name}` | {help} |\n"))
        .collect();
    rows.into_iter().collect()
}

#[tokio::test]
async fn the_guide_tells_of_every_metric() {
    let cluster = Cluster::start(Kind::Haproxy, Shape::Alike, &[]);
    let chat = Chat::begin_at(&cluster.api()).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    chat.one.say("Hello").await;
    let instance = cluster.instance(0);
    instance.get("/chat-server/nowhere").await.fails(404);
    let guide = config("../docs/operations.md");
    let guide = fs::read_to_string(guide).unwrap();
    let written: BTreeSet<String> = guide
        .lines()
        .filter(|line| line.starts_with("| `duet_"))
        .map(|line| format!("{line}\n"))
        .collect();
    // One that nothing has happened to yet is not served.
    eventually("the guide and what is served agree", async || {
        let served = instance.get("/metrics").await;
        let served = table(served.text());
        let missing: Vec<&str> = served
            .lines()
            .filter(|row| !written.contains(&format!("{row}\n")))
            .collect();
        assert!(
            missing.is_empty(),
            "the guide lacks:\n{}",
            missing.join("\n")
        );
        Some(())
    })
    .await;
    assert!(written.len() > 30, "{written:?}");
}

#[tokio::test]
async fn what_is_known_of_the_process_is_a_metric() {
    let server = Setup::new()
        .set("limits.streams_per_instance", 77)
        .start()
        .await;
    let answer = server.ops().get("/metrics").await;
    let text = answer.text();
    for line in [
        &format!(
            "duet_build_info{{commit=\"{}\",version=\"{}\"}} 1",
            duet::app::COMMIT,
            env!("CARGO_PKG_VERSION")
        ),
        "duet_limit{limit=\"streams_per_instance\"} 77",
        "duet_drain_limit_seconds 12",
    ] {
        assert!(text.contains(line), "nothing of {line}: {text}");
    }
    eventually("the store is known to be up", async || {
        (server.metric("duet_store_up").await == 1.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_can_be_found_in_the_log_by_its_request() {
    let server = Setup::new().set("log.filter", "duet=debug").start().await;
    let mut seen = BTreeSet::new();
    for path in [
        "/demo/chat/register",
        "/chat-server/nowhere",
        "/health/live",
        "/demo/nowhere",
    ] {
        let answer = server.api().get(path).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        eventually("the request is in the log", async || {
            let log = server.log();
            log.lines()
                .any(|line| line.contains(&id) && line.contains("answered"))
                .then_some(())
        })
        .await;
        seen.insert(id);
    }
    assert_eq!(seen.len(), 4);
    // Nobody outside chooses what stands in the log.
    let call = server.api().call(reqwest::Method::GET, "/health/live");
    let answer = call
        .header("x-request-id", "chosen-by-a-stranger")
        .send()
        .await;
    assert_ne!(answer.header("x-request-id"), Some("chosen-by-a-stranger"));
}
