//! What `config/` gives to operators: it must work as it is, and speak of what there is.

mod alerts;
mod alerts_of_defects;
mod alerts_of_queues;
mod guide;

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use harness::servers::{Kind, Postgres, Shape};

use crate::support::{
    Chat, Server, Setup,
    chat::{register, try_login},
    cluster::Cluster,
    eventually, raw,
};

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

/// What the names of all metrics begin with.
const OURS: [&str; 2] = ["duet_", "process_"];

/// The table of all metrics, as it must stand in the guide.
fn table(served: &str) -> String {
    let helps = served
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP "));
    let rows: BTreeSet<String> = helps
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| OURS.iter().any(|prefix| name.starts_with(prefix)))
        .map(|(name, help)| format!("| `{name}` | {help} |\n"))
        .collect();
    rows.into_iter().collect()
}

#[tokio::test]
async fn the_guide_lists_every_metric() {
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
        .filter(|line| {
            OURS.iter()
                .any(|prefix| line.starts_with(&format!("| `{prefix}")))
        })
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
async fn the_metrics_of_the_process_are_exported() {
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
    // So can what is refused before anybody could be asked.
    let answer = raw::exchange(server.address, b"NO HTTP\r\n\r\n").await;
    assert_eq!(answer.status, 400);
    let id = answer.header("x-request-id").unwrap().to_owned();
    eventually("it is in the log", async || {
        server.log().contains(&id).then_some(())
    })
    .await;
    seen.insert(id);
    assert_eq!(seen.len(), 5);
    // Nobody outside chooses what stands in the log.
    let call = server.api().call(reqwest::Method::GET, "/health/live");
    let answer = call
        .header("x-request-id", "chosen-by-a-stranger")
        .send()
        .await;
    assert_ne!(answer.header("x-request-id"), Some("chosen-by-a-stranger"));
}

/// The lines about one request, as JSON.
fn lines_about(server: &Server, id: &str) -> Vec<serde_json::Value> {
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains(id));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn what_is_done_for_a_request_elsewhere_is_logged_with_its_id() {
    let server = Setup::new()
        .set("log.filter", "duet=debug,actors=debug")
        .set("log.format", "json")
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let database = rusqlite::Connection::open(server.database()).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON messages
                  BEGIN SELECT RAISE(ABORT, 'refused on purpose'); END";
    database.execute_batch(refuse).unwrap();
    // The journal stores a message on its own thread, in one commit with others.
    let answer = chat.one.say_as(uuid::Uuid::new_v4(), "Hello").await;
    let data = answer.fails(500);
    let id = answer.header("x-request-id").unwrap().to_owned();
    assert_eq!(data["reference"], id.as_str());
    eventually("the lines are there", async || {
        let lines = lines_about(&server, &id);
        let said = |words: &str| {
            let mut lines = lines.iter();
            lines.any(|line| line["message"] == words && line["id"] == id.as_str())
        };
        let all = ["the message was not stored", "a request failed", "answered"];
        all.iter().all(|words| said(words)).then_some(())
    })
    .await;

    // The actor of a chat is started by the first request to it.
    let api = server.api();
    let hash = register(&api).await;
    let login = try_login(&api, &hash, "Abhi", serde_json::json!({})).await;
    login.ok();
    let id = login.header("x-request-id").unwrap();
    let lines = lines_about(&server, id);
    let starts = lines.iter().any(|line| line["message"] == "a pair starts");
    assert!(starts, "{lines:?}");
}

#[tokio::test]
async fn a_page_about_an_error_shows_the_id_of_its_request() {
    let server = Server::start().await;
    for path in ["/demo/nowhere", "/demo/chat/user/AAAAAAAAAAAAAAAAAAAAAA"] {
        let call = server.front().call(reqwest::Method::GET, path);
        let answer = call.header("accept", "text/html").send().await;
        assert!(answer.status >= 400, "{answer:?}");
        let id = answer.header("x-request-id").unwrap();
        assert!(answer.text().contains(id), "{}", answer.text());
    }
}

#[tokio::test]
async fn what_the_process_takes_is_told_by_prometheus_names() {
    // As the unit for systemd lets it see /proc (ProcSubset=pid); whoever is not root has to see it all.
    let inside = "mount -t proc -o subset=pid proc /proc && exec \"$0\" \"$@\"";
    let hidden =
        format!("[ $(id -u) != 0 ] || exec unshare --mount /bin/sh -c '{inside}' \"$0\" \"$@\"");
    let server = Setup::new().after(&hidden).start().await;
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let since = server.metric("process_start_time_seconds").await;
    assert!((now.as_secs_f64() - since).abs() < 3_600.0, "{since}");
    let resident = server.metric("process_resident_memory_bytes").await;
    let really = server.resident_bytes() as f64;
    assert!(resident > really / 4.0 && resident < really * 4.0);
    let open = server.metric("process_open_fds").await;
    assert!(open > 5.0 && open < server.metric("process_max_fds").await);
    assert!(server.metric("process_threads").await > 2.0);
    assert!(server.metric("process_virtual_memory_bytes").await > resident);
    server.metric("process_cpu_seconds_total").await;
}
