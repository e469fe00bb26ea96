//! Forms that other sites send.

use reqwest::Method;

use crate::support::{Browser, Server, browser::leads_to, store};

const FORM: &str = "application/x-www-form-urlencoded";

/// What a browser says of a form that came from elsewhere.
fn from_elsewhere(server: &Server) -> Vec<Vec<(&'static str, String)>> {
    let other_port = format!("http://127.0.0.1:{}", server.address.port() ^ 1);
    let other_scheme = format!("https://{}", server.address);
    let longer = format!("http://{}.evil.example", server.address);
    vec![
        vec![("Sec-Fetch-Site", "cross-site".into())],
        vec![("Sec-Fetch-Site", "same-site".into())],
        vec![("Sec-Fetch-Site", "none".into())],
        vec![
            ("Sec-Fetch-Site", "cross-site".into()),
            ("Origin", format!("http://{}", server.address)),
        ],
        vec![("Origin", "https://evil.example".into())],
        vec![("Origin", "null".into())],
        vec![("Origin", String::new())],
        vec![("Origin", other_port)],
        vec![("Origin", other_scheme)],
        vec![("Origin", longer)],
        // A name that an attacker has pointed at this machine.
        vec![
            ("Host", "evil.example".into()),
            ("Origin", "http://evil.example".into()),
        ],
    ]
}

#[tokio::test]
async fn a_form_from_another_site_is_403_and_does_nothing() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let home = format!("/demo/chat/user/{hash}");
    let forms = [
        ("/demo/chat/register".to_owned(), "userOne=Eve&userTwo=Bob"),
        ("/demo/chat/preferences".to_owned(), "theme=dark"),
        (format!("{home}/login"), "user=Anny"),
        (format!("{home}/login/ask"), "user=Abhi"),
        (format!("{home}/1/message_send"), "message=Hello"),
        (format!("{home}/1/receipt"), "read=0"),
        (format!("{home}/1/typing"), ""),
        (
            format!("{home}/1/answer"),
            "ask=0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11&allow=true",
        ),
        (format!("{home}/1/device"), ""),
        (format!("{home}/1/return_code"), ""),
        (
            format!("{home}/1/sessions/end"),
            "id=0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11",
        ),
        (format!("{home}/1/logout"), ""),
        (format!("{home}/1/endchat"), ""),
    ];
    let before = store::rows(&server.database());
    for headers in from_elsewhere(&server) {
        for (path, form) in &forms {
            for accept in ["text/html", "application/json"] {
                let mut call = browser.call(Method::POST, path).header("Accept", accept);
                for (name, value) in &headers {
                    call = call.header(name, value);
                }
                let answer = call.body(FORM, *form).send().await;
                let is_our_name = headers.iter().all(|(name, _)| *name != "Host");
                let refused = if is_our_name { 403 } else { 421 };
                assert_eq!(answer.status, refused, "{headers:?} {answer:?}");
                assert_eq!(answer.header("set-cookie"), None, "{headers:?} {answer:?}");
            }
        }
    }
    assert_eq!(store::rows(&server.database()), before);
    assert_eq!(browser.get(&format!("{home}/1")).await.status, 200);
}

#[tokio::test]
async fn a_form_of_ones_own_page_and_a_script_without_a_browser_pass() {
    let server = Server::start().await;
    let own = format!("http://{}", server.address);
    for headers in [
        vec![],
        vec![("Sec-Fetch-Site", "same-origin")],
        vec![("Origin", own.as_str())],
        vec![("Sec-Fetch-Site", "same-origin"), ("Origin", own.as_str())],
    ] {
        let mut call = Browser::new(&server).call(Method::POST, "/demo/chat/register");
        for (name, value) in &headers {
            call = call.header(name, value);
        }
        leads_to(&call.body(FORM, "userOne=Abhi&userTwo=Anny").send().await);
    }
}

#[tokio::test]
async fn another_site_may_link_to_a_page_and_nothing_else() {
    let server = Server::start().await;
    let hash = Browser::new(&server).register().await;
    let path = format!("/demo/chat/user/{hash}");
    for (site, mode, dest, status) in [
        ("cross-site", "navigate", "document", 200),
        ("same-site", "navigate", "document", 200),
        ("none", "navigate", "document", 200),
        ("cross-site", "navigate", "iframe", 403),
        ("same-site", "navigate", "frame", 403),
        ("cross-site", "no-cors", "image", 403),
        ("same-site", "cors", "empty", 403),
        ("same-site", "no-cors", "script", 403),
        ("same-origin", "cors", "empty", 200),
    ] {
        let call = Browser::new(&server)
            .call(Method::GET, &path)
            .header("Accept", "text/html")
            .header("Sec-Fetch-Site", site)
            .header("Sec-Fetch-Mode", mode)
            .header("Sec-Fetch-Dest", dest);
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{site} {mode} {dest}");
    }
}

#[tokio::test]
async fn a_page_of_the_same_site_opens_no_stream_with_somebodys_cookies() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let path = format!("/demo/chat/user/{hash}/1/stream");
    let call = browser
        .call(Method::GET, &path)
        .header("Sec-Fetch-Site", "same-site")
        .header("Sec-Fetch-Mode", "cors")
        .header("Sec-Fetch-Dest", "empty");
    call.send().await.fails_as(403, "cross_site");
}
