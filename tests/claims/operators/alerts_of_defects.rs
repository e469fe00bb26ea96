//! Alerts about defects. No client can cause one, so the server runs inside the test, with a clock that
//! panics when it is told to.

use std::{future::pending, net::SocketAddr, sync::Arc};

use actors::{ports::SystemClock, testing::FaultyClock};
use duet::{app::App, config::Settings};
use harness::servers::{Postgres, instance::setting};
use serde_json::json;

use super::alerts::Prometheus;
use crate::support::{Api, Chat, eventually, server::metric};

/// A server in this process. Its store has a clock of its own, so the faulty one is asked by pairs, tasks
/// and handlers alone.
async fn start(postgres: &Postgres) -> (SocketAddr, FaultyClock) {
    let environment = [
        setting("server.bind", "127.0.0.1:0"),
        setting("server.security_contact", "security@chat.example.org"),
        setting("store.url", postgres.url()),
    ];
    let settings = Settings::load(None, environment).unwrap();
    let clock = FaultyClock::new(SystemClock);
    let app = App::start(&settings, Arc::new(clock.clone())).await;
    let app = app.unwrap();
    let address = app.address;
    actix_rt::spawn(app.run(pending()));
    (address, clock)
}

#[actix_web::test]
async fn panics_fire_their_alerts_and_resolve_them() {
    let postgres = Postgres::start().unwrap();
    let (address, clock) = start(&postgres).await;
    let duet = Api::at(address);
    let prometheus = Prometheus::start(&[address]);
    let chat = Chat::begin_at(&duet).await;
    chat.one.say("Before").await;
    prometheus.scrapes().await;

    clock.panic_next(1);
    chat.one.get("messages").await.fails(500);
    prometheus.becomes("DuetPairsPanic", true).await;
    assert_eq!(chat.two.texts().await, ["Before"]);
    prometheus.becomes("DuetPairsPanic", false).await;

    clock.panic_next_in_uptime(usize::MAX);
    eventually("readiness names the task that does not run", async || {
        let ready = duet.get("/health/ready").await;
        (ready.status == 503).then(|| {
            assert_eq!(ready.json()["reason"], "tasks");
            assert_eq!(ready.json()["tasks_down"], json!(["lease"]));
        })
    })
    .await;
    prometheus.becomes("DuetTasksPanic", true).await;
    clock.panic_next_in_uptime(0);
    eventually("the task runs again", async || {
        (duet.get("/health/ready").await.status == 200).then_some(())
    })
    .await;
    chat.one.say("After").await;
    prometheus.becomes("DuetTasksPanic", false).await;
}

#[actix_web::test]
async fn a_request_whose_handler_panics_is_counted_and_told_by_its_id() {
    let postgres = Postgres::start().unwrap();
    let (address, clock) = start(&postgres).await;
    let duet = Api::at(address);
    let path = "/.well-known/security.txt";
    assert_eq!(duet.get(path).await.status, 200);
    clock.panic_next(1);
    let lost = duet.get(path).await;
    let told = lost.fails(500);
    assert_eq!(lost.header("x-request-id"), told["reference"].as_str());
    assert_eq!(metric(&duet, "duet_http_rejected_total").await, 1.0);
    let metrics = duet.get("/metrics").await;
    let counted = "duet_http_request_seconds_count{method=\"GET\",route=\"none\",status=\"500\"} 1";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    assert_eq!(duet.get(path).await.status, 200);
}
