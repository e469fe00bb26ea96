//! The headers that keep other sites and other hands out, on everything that a browser can open.

use harness::servers::Authority;
use reqwest::Method;

use crate::support::{Answer, Api, Browser, Chat, Server, Setup, raw};

fn assert_guarded(answer: &Answer, https: bool) {
    let header = |name: &str| {
        answer
            .header(name)
            .unwrap_or_else(|| panic!("no {name}: {answer:?}"))
    };
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part}: {answer:?}");
    }
    assert!(!policy.contains("unsafe-eval"), "{answer:?}");
    let scripts = policy
        .split(';')
        .find(|part| part.trim().starts_with("script-src"));
    assert_eq!(scripts.map(str::trim), Some("script-src 'self'"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    assert!(header("permissions-policy").contains("camera=()"));
    match https {
        true => assert!(header("strict-transport-security").starts_with("max-age=")),
        false => assert_eq!(answer.header("strict-transport-security"), None),
    }
}

/// Answers of every kind, faults among them.
async fn answers(api: &Api, chat: &Chat) -> Vec<Answer> {
    let mut answers = Vec::new();
    for path in [
        "/",
        "/demo/chat/register",
        "/demo/chat/user/no-such-chat",
        "/demo/chat/nothing",
        "/nothing",
        "/chat-server/docs",
        "/chat-server/docs/",
        "/chat-server/docs/index.html",
        "/chat-server/docs/nothing",
        "/chat-server/openapi.json",
        "/chat-server/hash",
        "/chat-server/user/no-such-chat/messages",
        &chat.path("messages"),
        "/health/live",
        "/health/ready",
        "/metrics",
        "/.well-known/security.txt",
    ] {
        for accept in ["text/html", "*/*"] {
            let call = api.call(Method::GET, path).header("Accept", accept);
            answers.push(call.token(&chat.one.token).send().await);
        }
    }
    for method in ["BREW", "DELETE"] {
        let call = api.call(method.parse().unwrap(), "/demo/chat/register");
        answers.push(call.header("Accept", "text/html").send().await);
    }
    let call = api.call(Method::GET, "/demo/chat/register");
    answers.push(call.header("Host", "evil.example").send().await);
    answers
}

#[tokio::test]
async fn everything_that_a_browser_can_open_is_guarded() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for answer in answers(&server.front(), &chat).await {
        assert_guarded(&answer, false);
    }
    let refused = raw::exchange(server.address, b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(refused.status, 400);
    assert_guarded(&refused, false);
    let page = server.front().get("/demo/chat/register").await;
    let policy = page.header("content-security-policy").unwrap();
    for part in ["require-trusted-types-for 'script'", "trusted-types 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn where_people_use_https_browsers_are_told_to_stay_with_it() {
    let authority = Authority::new().unwrap();
    let server = Setup::new().tls(&authority).start().await;
    let api = Api::trusting(&format!("https://{}", server.address), &authority);
    let chat = Chat::begin_at(&api).await;
    for answer in answers(&api, &chat).await {
        assert_guarded(&answer, true);
    }
    // Also where what came was no request.
    let proxied = Setup::new().set("server.public_url", "https://chat.example.org");
    let proxied = proxied.set("server.trusted_proxies", "10.0.0.1");
    let server = proxied.start().await;
    let refused = raw::exchange(server.address, b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(refused.status, 400);
    assert_guarded(&refused, true);
}

#[tokio::test]
async fn behind_https_the_names_of_cookies_say_that_no_other_way_set_them() {
    let authority = Authority::new().unwrap();
    let server = Setup::new().tls(&authority).start().await;
    let api = Api::trusting(&format!("https://{}", server.address), &authority);
    let mut browser = Browser::through(api);
    let hash = browser.register().await;
    let seat = format!("/demo/chat/user/{hash}/1");
    browser
        .submit(
            "/demo/chat/preferences",
            &[("theme", "dark"), ("language", "ar")],
        )
        .await;
    assert!(browser.jar.len() >= 4, "{:?}", browser.jar);
    for cookie in &browser.jar {
        assert!(cookie.name.starts_with("__Secure-duet"), "{cookie:?}");
        assert!(cookie.is("secure") && cookie.is("httponly"), "{cookie:?}");
    }
    let page = browser.get(&seat).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text().contains("dir=\"rtl\"") && page.text().contains("dark"));
    // The same under the name that anybody on the way could have planted is nobody's.
    for cookie in &mut browser.jar {
        cookie.name = cookie.name.replace("__Secure-", "");
    }
    assert_eq!(browser.get(&seat).await.status, 401);
}
