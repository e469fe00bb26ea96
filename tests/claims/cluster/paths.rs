//! What the shipped proxies let through, however it is written.

use harness::servers::{Kind, Shape};

use crate::support::{
    Server,
    cluster::Cluster,
    framing::{exchange, requests_seen, statuses},
    raw,
};

/// Everything that is not for the public, or is nothing at all.
const CLOSED: [&str; 30] = [
    "/metrics",
    "/%6detrics",
    "/%6Detrics",
    "/m%65trics",
    "/METRICS",
    "//metrics",
    "/./metrics",
    "/metrics/",
    "/metrics/.",
    "/metrics?x",
    "/metrics;x",
    "/metrics%00",
    "/metrics%2f",
    "/demo/../metrics",
    "/demo/chat/../../metrics",
    "/demo/chat/%2e%2e/%2e%2e/metrics",
    "/demo/chat/..%2f..%2fmetrics",
    "/demo/chat/..;/..;/metrics",
    "/chat-server/../metrics",
    "/health/live",
    "/health/ready",
    "/%68ealth/ready",
    "/Health/ready",
    "//health//ready",
    "/health/../health/ready",
    "/demo/chat//../../health/ready",
    "/demo/%63hat/register",
    "/%64emo/chat/register",
    "/Demo/Chat/Register",
    "/nothing",
];

/// The API, which the split set-up keeps to itself.
const API: [&str; 8] = [
    "/chat-server/openapi.json",
    "/chat-server/docs/",
    "/%63hat-server/openapi.json",
    "/chat%2Dserver/openapi.json",
    "//chat-server/openapi.json",
    "/demo/../chat-server/openapi.json",
    "/demo/chat/%2e%2e/%2e%2e/chat-server/openapi.json",
    "/Chat-Server/openapi.json",
];

async fn status(cluster: &Cluster, path: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let wire = cluster.wire(b"http/1.1").await;
    let heard = exchange(wire, request.as_bytes()).await;
    let answers = statuses(&heard);
    assert_eq!(
        answers.len(),
        1,
        "{path}: {}",
        String::from_utf8_lossy(&heard)
    );
    answers[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_passes_a_list_and_nothing_else() {
    passes_a_list(Kind::Haproxy, &[Shape::Alike, Shape::Split]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_passes_a_list_and_nothing_else() {
    passes_a_list(Kind::Nginx, &[Shape::Alike, Shape::Split]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_passes_a_list_and_nothing_else() {
    passes_a_list(Kind::Caddy, &[Shape::Alike]).await;
}

async fn passes_a_list(kind: Kind, shapes: &[Shape]) {
    let contact = ("server.security_contact", "security@example.org");
    for &shape in shapes {
        let cluster = Cluster::start(kind, shape, &[contact]);
        let closed = CLOSED.iter();
        let api = API
            .iter()
            .filter(|path| shape == Shape::Split || !path.starts_with("/chat-server/"));
        for path in closed.chain(api) {
            let status = status(&cluster, path).await;
            // nginx refuses some of it before it looks for a place.
            assert!(
                matches!(status, 400 | 404),
                "{kind:?} {shape:?} {path}: {status}"
            );
        }
        for (path, wanted) in [
            ("/", 303),
            ("/demo/chat/register", 200),
            ("/demo/chat/user/no-such-chat", 404),
            ("/.well-known/security.txt", 200),
        ] {
            assert_eq!(
                status(&cluster, path).await,
                wanted,
                "{kind:?} {shape:?} {path}"
            );
        }
        if shape == Shape::Alike {
            for path in ["/chat-server/openapi.json", "/chat-server/docs/"] {
                assert_eq!(status(&cluster, path).await, 200, "{kind:?} {path}");
            }
        } else {
            let inside = cluster.internal_api();
            assert_eq!(inside.get("/chat-server/openapi.json").await.status, 200);
            for path in ["/metrics", "/health/ready", "/demo/chat/register"] {
                assert_eq!(inside.get(path).await.status, 404, "{kind:?} {path}");
            }
        }
    }
}

/// With metrics on an address of their own the proxies still find out who is ready.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_an_address_for_operators_is_found_ready_by_its_proxy() {
    for kind in [Kind::Haproxy, Kind::Nginx, Kind::Caddy] {
        let settings = [("server.ops_bind", "127.0.0.1:0")];
        let cluster = Cluster::start(kind, Shape::Alike, &settings);
        crate::support::eventually("the proxy finds an instance", async || {
            let page = cluster.api().get("/demo/chat/register").await;
            (page.status == 200).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn no_fixed_part_of_a_path_has_a_second_spelling() {
    let server = Server::start().await;
    let ops = server.ops();
    let before = requests_seen(&ops).await;
    let paths = CLOSED.iter().chain(&API);
    let odd = paths.filter(|path| path.contains('%') || path.contains("..") || path.contains("//"));
    let mut asked = 0;
    for path in odd {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw::exchange(server.address, request.as_bytes()).await;
        assert_eq!(answer.status, 404, "{path}");
        asked += 1;
    }
    assert_eq!(requests_seen(&ops).await - before, asked);
    // What people are called is another matter.
    let login = "/chat-server/user/%41nny/login";
    let body = serde_json::json!({"user": "Anny", "hash": "no-such-chat"});
    server
        .api()
        .post(login, body)
        .await
        .fails_as(404, "no_such_chat");
}
