//! A page is shown under the server's own names alone, and the API does nothing for a page of
//! another site.

use harness::servers::Authority;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Api, Chat, POST, Server, Setup};

async fn at_host(api: &Api, path: &str, host: &str) -> Answer {
    let call = api.call(Method::GET, path).header("Host", host);
    call.header("Accept", "text/html").send().await
}

const PAGES: [&str; 4] = [
    "/",
    "/demo/chat/register",
    "/demo/chat/user/no-such-chat",
    "/demo/chat/nothing",
];
const OTHERS: [&str; 4] = [
    "/chat-server/openapi.json",
    "/chat-server/docs/",
    "/health/ready",
    "/metrics",
];

#[tokio::test]
async fn on_this_machine_pages_answer_to_its_own_names_alone() {
    let server = Server::start().await;
    for path in PAGES {
        for host in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "evil@localhost",
            "localhost#",
            "192.0.2.1",
            "[2001:db8::1]",
        ] {
            let page = at_host(&server.front(), path, host).await;
            assert_eq!(page.status, 421, "{host} {page:?}");
        }
        for host in [
            "localhost",
            "localhost:1234",
            "127.0.0.1",
            "127.0.0.1:9",
            "[::1]",
            "[::1]:80",
        ] {
            let page = at_host(&server.front(), path, host).await;
            assert!(matches!(page.status, 200 | 303 | 404), "{host} {page:?}");
        }
    }
    for path in OTHERS {
        for host in ["evil.example", "duet.internal:8000"] {
            assert_eq!(
                at_host(&server.front(), path, host).await.status,
                200,
                "{path}"
            );
        }
    }
    // In the first line of a request the host counts as well.
    let absolute = "GET http://evil.example/demo/chat/register HTTP/1.1\r\nHost: localhost\r\n\
                    Connection: close\r\n\r\n";
    let answer = crate::support::raw::exchange(server.address, absolute.as_bytes()).await;
    assert_eq!(answer.status, 421);
}

#[tokio::test]
async fn elsewhere_pages_answer_to_the_public_name_alone() {
    let server = Setup::new()
        .set("server.bind", "0.0.0.0:0")
        .set("server.public_url", "https://chat.example.org")
        .set("server.trusted_proxies", "127.0.0.1/32")
        .start()
        .await;
    let front = Api::at(([127, 0, 0, 1], server.address.port()).into());
    for path in PAGES {
        for host in [
            "evil.example",
            "127.0.0.1",
            "localhost",
            "chat.example.org.evil.example",
        ] {
            assert_eq!(
                at_host(&front, path, host).await.status,
                421,
                "{host} {path}"
            );
        }
        for host in [
            "chat.example.org",
            "chat.example.org:443",
            "CHAT.example.org",
        ] {
            let page = at_host(&front, path, host).await;
            assert!(matches!(page.status, 200 | 303 | 404), "{host} {page:?}");
        }
    }
    for path in OTHERS {
        assert_eq!(
            at_host(&front, path, "10.0.0.11:8080").await.status,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn by_http_2_the_authority_is_the_host() {
    let authority = Authority::new().unwrap();
    let server = Setup::new().tls(&authority).start().await;
    let port = server.address.port();
    let api = Api::trusting(&format!("https://127.0.0.1:{port}"), &authority);
    assert_eq!(api.get("/demo/chat/register").await.status, 200);
    let other = api.call(Method::GET, "/demo/chat/register");
    assert_eq!(
        other.header("Host", "evil.example").send().await.status,
        421
    );
}

/// What a browser sends for a page of another site changes nothing and is not read.
#[tokio::test]
async fn the_api_does_nothing_for_a_page_of_another_site() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let api = &chat.one.api;
    let port = server.address.port();
    let own = format!("http://127.0.0.1:{port}");
    let hash = |headers: &[(&str, &str)]| {
        let mut call = api.call(POST, "/chat-server/hash");
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.json(json!({})).send()
    };
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:1")],
        &[("Origin", "http://localhost")],
        &[
            ("Origin", "http://evil.example:8080"),
            ("Host", "evil.example:8080"),
        ],
        &[("Origin", own.as_str()), ("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
        ],
    ] {
        hash(headers).await.fails_as(403, "cross_site");
    }
    for headers in [
        &[][..],
        &[("Origin", own.as_str())],
        &[("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")],
        &[("Host", "duet.internal:8000")],
    ] {
        hash(headers).await.ok();
    }
    for path in ["/chat-server/openapi.json", "/metrics", "/health/ready"] {
        let asked = |site: &str, mode: &str, dest: &str| {
            let call = server.front().call(Method::GET, path);
            let call = call
                .header("Sec-Fetch-Site", site)
                .header("Sec-Fetch-Mode", mode);
            call.header("Sec-Fetch-Dest", dest).send()
        };
        assert_eq!(
            asked("cross-site", "no-cors", "image").await.status,
            403,
            "{path}"
        );
        assert_eq!(
            asked("same-site", "cors", "empty").await.status,
            403,
            "{path}"
        );
        // A link is followed, and typed addresses are gone to.
        assert_eq!(
            asked("cross-site", "navigate", "document").await.status,
            200,
            "{path}"
        );
        assert_eq!(
            asked("none", "navigate", "document").await.status,
            200,
            "{path}"
        );
    }
}
