//! Nothing that a stranger sends makes a fault of the server, a method that it does not know aside.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;

use crate::support::{Answer, Browser, Chat, POST, Server, browser::set_cookies, raw};

const FORM: &str = "application/x-www-form-urlencoded";

/// What somebody might write into any field.
const ODD: [&str; 18] = [
    "\r\nSet-Cookie: a=b",
    "\u{0}",
    "\u{7f}\u{1b}[0m",
    "\u{feff}",
    "\u{2028}\u{202e}",
    "é\u{1f600}",
    "%0d%0aX: y",
    "\"quoted\\",
    "a;b=c, d",
    "//evil.example",
    "/\\evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "/demo/chat/../../metrics",
    "{\"a\":[1,2",
    "-1",
    "99999999999999999999999",
    "",
];

fn encoded(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn assert_no_fault(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{what}: {answer:?}");
    for value in answer.headers.values() {
        assert!(!value.as_bytes().contains(&b'\n'), "{what}: {answer:?}");
    }
    if let Some(to) = answer.header("location") {
        let here = to.starts_with("/demo/chat/") || to.starts_with("/chat-server/docs/");
        assert!(here && !to.contains(".."), "{what} leads to {to}");
    }
}

#[tokio::test]
async fn the_way_back_from_a_choice_leads_to_a_page_of_ours_or_is_refused() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    for (back, status, to) in [
        ("/demo/chat/register", 303, "/demo/chat/register"),
        (
            "/demo/chat/user/x?after=1",
            303,
            "/demo/chat/user/x?after=1",
        ),
        ("/demo/chat/user/é", 303, "/demo/chat/user/%C3%A9"),
        ("/demo/chat/\r\nX", 400, ""),
        ("/demo/chat/\u{0}", 400, ""),
        ("/demo/chat/\t", 400, ""),
        ("/demo/chat/\u{85}", 400, ""),
        ("//evil.example/demo/chat/", 303, "/demo/chat/register"),
        ("/\\evil.example/demo/chat/", 303, "/demo/chat/register"),
        (
            "https://evil.example/demo/chat/",
            303,
            "/demo/chat/register",
        ),
        ("/demo/chat/../../metrics", 303, "/demo/chat/register"),
        ("/demo/chats", 303, "/demo/chat/register"),
        ("javascript:alert(1)", 303, "/demo/chat/register"),
    ] {
        let fields = [("theme", "dark"), ("back", back)];
        let answer = browser.submit("/demo/chat/preferences", &fields).await;
        assert_eq!(answer.status, status, "{back:?} {answer:?}");
        assert_eq!(
            answer.header("location").unwrap_or_default(),
            to,
            "{back:?}"
        );
    }
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

/// Every form with every field of any, filled with anything; the seed is told when it fails.
#[tokio::test(flavor = "multi_thread")]
async fn no_form_and_no_header_makes_a_fault_of_the_server() {
    let seed = rand::random::<u64>();
    let mut rng = StdRng::seed_from_u64(seed);
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let chat = Chat::begin(&server).await;
    let home = format!("/demo/chat/user/{hash}");
    let pages = [
        "/demo/chat/register".to_owned(),
        "/demo/chat/preferences".into(),
        format!("{home}/login"),
        format!("{home}/login/ask"),
        format!("{home}/1/message_send"),
        format!("{home}/1/receipt"),
        format!("{home}/1/typing"),
        format!("{home}/1/answer"),
        format!("{home}/1/sessions/end"),
    ];
    let api = [
        "register",
        "user1",
        "user2",
        "hash",
        "user/Anny/login",
        "user/Anny/login/ask",
    ]
    .map(|leaf| format!("/chat-server/{leaf}"));
    let in_chat = ["message_send", "receipt", "answer", "sessions/end"].map(|leaf| chat.path(leaf));
    let names = [
        "userOne",
        "userTwo",
        "user",
        "hash",
        "id",
        "ttlHours",
        "returnCode",
        "deviceCode",
        "askId",
        "message",
        "userHash",
        "senderName",
        "reciever",
        "timestamp",
        "delivered",
        "read",
        "ask",
        "allow",
        "theme",
        "language",
        "back",
        "data",
    ];
    let headers = [
        "Accept",
        "Accept-Language",
        "Accept-Encoding",
        "Cookie",
        "X-Forwarded-For",
        "Last-Event-ID",
        "User-Agent",
        "Referer",
        "Range",
        "If-None-Match",
        "Authorization",
    ];
    for turn in 0..600 {
        let what = format!("seed {seed}, turn {turn}");
        let odd = |rng: &mut StdRng| match rng.random_range(0..4) {
            0 => ODD[rng.random_range(0..ODD.len())].repeat(rng.random_range(1..400)),
            _ => ODD[rng.random_range(0..ODD.len())].to_owned(),
        };
        let fields: Vec<(String, String)> = (0..rng.random_range(0..6))
            .map(|_| {
                (
                    names[rng.random_range(0..names.len())].into(),
                    odd(&mut rng),
                )
            })
            .collect();
        let all: Vec<&String> = pages.iter().chain(&api).chain(&in_chat).collect();
        let path = all[rng.random_range(0..all.len())];
        let by_form = path.starts_with("/demo");
        let mut call = match by_form {
            true => browser.call(POST, path).body(FORM, encoded(&fields)),
            false => {
                let object = fields.into_iter().map(|(name, value)| (name, value.into()));
                let json = serde_json::Value::Object(object.collect());
                chat.one.api.call(POST, path).json(json)
            }
        };
        let header = headers[rng.random_range(0..headers.len())];
        let value: String = odd(&mut rng)
            .chars()
            .filter(|char| !char.is_control())
            .collect();
        if header != "Authorization" || by_form {
            call = call.header(header, &value);
        }
        if rng.random() {
            call = call.header("Accept", "text/html");
        }
        let answer = call.send().await;
        assert_no_fault(&answer, &what);
        for cookie in set_cookies(&answer) {
            assert!(cookie.path.starts_with("/demo/chat"), "{what}: {cookie:?}");
        }
    }
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

/// Addresses as nobody types them.
#[tokio::test]
async fn no_address_makes_a_fault_of_the_server() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    for path in [
        "/demo/chat/user/%00/1".to_owned(),
        "/demo/chat/user/%0d%0aX/1/logout".into(),
        "/demo/chat/user/%ff/1".into(),
        format!("/demo/chat/user/{hash}/%31"),
        format!("/demo/chat/user/{hash}/256"),
        format!("/demo/chat/user/{hash}/-1"),
        format!("/demo/chat/user/{hash}/1/messages?after=%00&limit=%0d%0a"),
        format!("/demo/chat/user/{hash}/1/download?format=%0d"),
        format!("/demo/chat/user/{hash}/login/ask/%0d%0a"),
        "/demo/chat/assets/%0d%0a/x".into(),
        "/demo/chat/register?%0d%0a=%ff".into(),
        "/chat-server/docs/%0d%0a".into(),
        "/chat-server/docs/..%2f..%2fetc".into(),
        "/chat-server/user/%00/messages".into(),
        "/chat-server/user/%ff%fe/stream?after=%00".into(),
    ] {
        for accept in ["text/html", "application/json"] {
            let call = browser.call(Method::GET, &path).header("Accept", accept);
            assert_no_fault(&call.send().await, &path);
        }
        // Bytes that no client sends, in the place of what is encoded.
        let raw_path = path.replace("%ff", "\u{e9}").replace('%', "\u{1f600}");
        let request = format!(
            "GET {raw_path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        );
        let answer = raw::exchange(server.address, request.as_bytes()).await;
        assert_no_fault(&answer, &raw_path);
    }
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}
