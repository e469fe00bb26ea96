//! What every request meets before anything is looked up: its method, its host, its path, where it
//! comes from, and how its body is written.

mod bodies;
mod faults;
mod guards;
mod hosts;

use reqwest::Method;
use serde_json::json;

use crate::support::{Api, POST, Server, Setup};

#[tokio::test]
async fn a_method_that_nothing_knows_is_501_wherever_it_goes() {
    let server = Server::start().await;
    for api in [server.front(), Api::h2c(server.address)] {
        for path in [
            "/",
            "/nothing",
            "/demo/chat/register",
            "/chat-server/hash",
            "/health/live",
            "/metrics",
        ] {
            for method in ["BREW", "PROPFIND", "get", "GETX"] {
                let call = api.call(method.parse().unwrap(), path);
                call.send().await.fails_as(501, "unknown_method");
            }
        }
    }
    let call = server
        .front()
        .call("BREW".parse().unwrap(), "/demo/chat/register");
    let page = call.header("Accept", "text/html").send().await;
    assert_eq!(page.status, 501);
    assert!(page.text().starts_with("<!DOCTYPE html>"), "{page:?}");
}

#[tokio::test]
async fn a_known_method_that_is_not_allowed_is_405_with_allow() {
    let server = Server::start().await;
    for (path, takes) in [
        ("/", "GET, HEAD"),
        ("/health/live", "GET, HEAD"),
        ("/health/ready", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/chat-server/docs", "GET"),
        ("/chat-server/openapi.json", "GET"),
    ] {
        let query = "QUERY".parse().unwrap();
        for method in [POST, Method::PUT, Method::DELETE, Method::OPTIONS, query] {
            let answer = server.front().call(method, path).send().await;
            answer.fails_as(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some(takes), "{answer:?}");
        }
    }
}

/// 501, 421, 405, 415, 413, 400: of two that apply the first is told.
#[tokio::test]
async fn of_two_faults_the_first_in_the_documented_order_is_reported() {
    let server = Server::start().await;
    let call = |method: &str, host: &str| {
        let call = server
            .front()
            .call(method.parse().unwrap(), "/demo/chat/preferences");
        call.header("Host", host)
    };
    call("BREW", "evil.example").send().await.fails(501);
    call("PUT", "evil.example").send().await.fails(421);
    call("PUT", "localhost").send().await.fails(405);
    let large = "x".repeat(70_000);
    let sent = call("POST", "localhost").header("Content-Encoding", "gzip");
    sent.body("application/json", large.clone())
        .send()
        .await
        .fails(415);
    let sent = call("POST", "localhost");
    sent.body("application/json", large).send().await.fails(413);
}

#[tokio::test]
async fn a_get_or_head_with_a_body_is_refused_by_either_protocol() {
    let server = Server::start().await;
    for api in [server.front(), Api::h2c(server.address)] {
        for method in [Method::GET, Method::HEAD] {
            for path in [
                "/demo/chat/register",
                "/chat-server/nothing",
                "/health/live",
            ] {
                let call = api.call(method.clone(), path);
                let answer = call.bytes("x").send().await;
                assert_eq!(answer.status, 400, "{answer:?}");
            }
        }
        for path in ["/chat-server/openapi.json", "/chat-server/user/logout"] {
            let call = api.call(Method::GET, path);
            call.bytes("x").send().await.fails(400);
        }
        assert_eq!(api.get("/health/live").await.status, 200);
    }
}

#[tokio::test]
async fn a_weakness_can_be_reported_where_the_operator_says_so() {
    let silent = Server::start().await;
    let path = "/.well-known/security.txt";
    silent.front().get(path).await.fails(404);
    let server = Setup::new()
        .set("server.security_contact", "security@example.org")
        .set("server.public_url", "https://chat.example.org")
        .set("server.trusted_proxies", "127.0.0.1/32")
        .start()
        .await;
    let file = server.front().get(path).await;
    assert_eq!(file.status, 200);
    assert!(
        file.header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    let value = |name: &str| {
        let mut lines = file.text().lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name}: {file:?}"))
            .to_owned()
    };
    assert_eq!(value("Contact"), "mailto:security@example.org");
    let format = &time::format_description::well_known::Rfc3339;
    let expires = time::OffsetDateTime::parse(&value("Expires"), format).unwrap();
    let left = expires - time::OffsetDateTime::now_utc();
    assert!((1..365).contains(&left.whole_days()), "{left}");
    assert_eq!(
        value("Canonical"),
        format!("https://chat.example.org{path}")
    );
    let refused = Setup::new().set("server.security_contact", "nobody").run();
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("server.security_contact"), "{told}");
}

#[tokio::test]
async fn health_is_on_every_address_and_metrics_on_their_own() {
    let server = Setup::new()
        .set("server.api_bind", "127.0.0.1:0")
        .set("server.ops_bind", "127.0.0.1:0")
        .start()
        .await;
    for (api, metrics) in [
        (server.front(), 404),
        (server.api(), 404),
        (server.ops(), 200),
    ] {
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(api.get(path).await.status, 200, "{path}");
            let head = api.call(Method::HEAD, path).send().await;
            assert_eq!((head.status, head.body.len()), (200, 0), "{head:?}");
        }
        assert_eq!(api.get("/metrics").await.status, metrics);
    }
    server.api().post("/chat-server/hash", json!({})).await.ok();
}
