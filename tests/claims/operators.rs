//! What `config/` gives to operators: it must work as it is, and speak of what there is.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use loadtest::servers::{Kind, Shape};

use crate::support::{Chat, Setup, cluster::Cluster};

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
    let served: BTreeSet<&str> = served
        .text()
        .lines()
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
