//! The headers of every page, the errors included.

use reqwest::Method;

use crate::support::{Answer, Browser, Chat, POST, Server, browser::leads_to, raw};

fn assert_guarded(page: &Answer) {
    let header = |name: &str| {
        page.header(name)
            .unwrap_or_else(|| panic!("no {name}: {page:?}"))
    };
    assert!(header("content-type").starts_with("text/html"), "{page:?}");
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{part}: {page:?}");
    }
    assert!(!policy.contains("unsafe"), "{page:?}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    // The address is a secret: no other site may learn it from a link that is followed.
    let referrer = header("referrer-policy");
    assert!(
        matches!(referrer, "same-origin" | "no-referrer"),
        "{page:?}"
    );
    assert!(header("cache-control").contains("no-store"), "{page:?}");
    for policy in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        assert_eq!(header(policy), "same-origin");
    }
}

#[tokio::test]
async fn every_page_has_security_headers_and_is_not_cached() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let home = format!("/demo/chat/user/{hash}");
    for path in [
        "/demo/chat/register".into(),
        "/demo/chat/register?ended".into(),
        home.clone(),
        format!("{home}/1"),
        format!("{home}/1/invite"),
        format!("{home}/1/sessions"),
        format!("{home}/1/device"),
        format!("{home}/1/return_code"),
        format!("{home}/1/download?choose"),
        format!("{home}/1/logout"),
        format!("{home}/1/endchat"),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_guarded(&page);
    }
    for path in [format!("{home}/1/device"), format!("{home}/1/return_code")] {
        assert_guarded(&browser.submit_and_follow(&path, &[]).await);
    }
}

#[tokio::test]
async fn errors_are_pages_of_the_same_kind() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let over = Chat::begin(&server).await;
    over.one.end().await.ok();
    let mut browser = Browser::new(&server);
    let home = format!("/demo/chat/user/{}", chat.hash);
    for (status, path) in [
        (404, "/demo/chat/nothing".to_owned()),
        (404, "/nothing".to_owned()),
        (404, "/demo/chat/user/no-such-chat".to_owned()),
        (404, "/demo/chat/user/%FF%FE".to_owned()),
        (404, format!("{home}/3")),
        (404, format!("{home}/01")),
        (404, format!("{home}/%2B1/device")),
        (410, format!("/demo/chat/user/{}", over.hash)),
        (401, format!("{home}/1")),
        (405, format!("{home}/login")),
        (400, format!("{home}/1/messages?after=x")),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, status, "{page:?}");
        assert_guarded(&page);
        assert!(!page.text().contains("Abhi") && !page.text().contains("Anny"));
    }
    let long = "x".repeat(70_000);
    for (status, kind, body) in [
        (415, "text/plain", "x"),
        (413, "application/x-www-form-urlencoded", long.as_str()),
        (400, "application/x-www-form-urlencoded", "user="),
        (403, "application/x-www-form-urlencoded", "user=Mallory"),
    ] {
        let call = browser
            .call(POST, &format!("{home}/login"))
            .header("Accept", "text/html");
        let page = call.body(kind, body).send().await;
        assert_eq!(page.status, status, "{page:?}");
        assert_guarded(&page);
    }
    let call = browser
        .call(Method::DELETE, &home)
        .header("Accept", "text/html");
    let page = call.send().await;
    assert_eq!(
        (page.status, page.header("allow")),
        (405, Some("GET, HEAD"))
    );
    assert_guarded(&page);
}

#[tokio::test]
async fn styles_and_scripts_are_kept_for_ever_and_come_from_here_alone() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let page = browser.get(&format!("/demo/chat/user/{hash}/1")).await;
    let quoted: Vec<&str> = page.text().split('"').collect();
    let linked: Vec<&&str> = quoted
        .iter()
        .filter(|part| part.contains("/assets/"))
        .collect();
    assert!(!linked.is_empty());
    for path in linked {
        assert!(path.starts_with("/demo/chat/assets/"), "{path}");
        let asset = browser.get(path).await;
        assert_eq!(asset.status, 200, "{asset:?}");
        assert!(
            asset.header("cache-control").unwrap().contains("immutable"),
            "{path}"
        );
        assert_eq!(
            asset.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
    assert!(!page.text().contains("<script>") && !page.text().contains(" style=\""));
    assert_eq!(
        browser.get("/demo/chat/assets/0000/chat.js").await.status,
        404
    );
}

#[tokio::test]
async fn what_another_build_has_is_asked_for_again_a_few_times() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let mut path = "/demo/chat/assets/0123456789abcdef/chat.js".to_owned();
    for _ in 0..8 {
        let elsewhere = browser.get(&path).await;
        assert_eq!(elsewhere.status, 307, "{elsewhere:?}");
        assert_eq!(elsewhere.header("cache-control"), Some("no-store"));
        path = elsewhere.header("location").unwrap().into();
    }
    assert_eq!(browser.get(&path).await.status, 404, "{path}");
}

#[tokio::test]
async fn an_answer_of_the_api_is_not_taken_for_a_page() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let call = server.api().call(Method::GET, &chat.path("messages"));
    call.header("Accept", "text/html").send().await.fails(401);
}

/// A page links its own address twice, and in HTML each of these characters takes six.
#[tokio::test]
async fn a_page_about_a_failure_is_hardly_longer_for_a_long_address() {
    let server = Server::start().await;
    let long = "\"".repeat(20_000);
    for (request, path) in [
        ("GET", format!("/demo/chat/user/{long}")),
        ("GET", format!("/demo/chat/register?{long}")),
        ("POST", format!("/demo/chat/user/{long}/login")),
    ] {
        let request = format!(
            "{request} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        );
        let page = raw::exchange(server.address, request.as_bytes()).await;
        assert!(matches!(page.status, 200 | 400 | 404), "{}", page.status);
        assert!(page.body.len() < 16 * 1024, "{}", page.body.len());
    }
    let back = format!("/demo/chat/register?{long}");
    let chosen = Browser::new(&server)
        .submit(
            "/demo/chat/preferences",
            &[("theme", "dark"), ("back", &back)],
        )
        .await;
    assert_eq!(leads_to(&chosen), "/demo/chat/register");
}
