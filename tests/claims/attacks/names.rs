//! No stranger chooses a name in the server's memory: whatever words a request is made of, they
//! become no label, no field of a log, and no entry of a map that has no bound.

use std::fmt::Write as _;

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

use crate::support::{Server, Setup, raw};

/// Stands in every word that is made up.
const WORD: &str = "ZQXJ";
/// Connections, and requests on each.
const CONNECTIONS: usize = 8;
const REQUESTS: usize = 600;
/// How many addresses a limit may know here; it counts the sites of IPv6 beside them.
const ADDRESSES_MAX: usize = 50;
const MEMORY_BYTES_MAX: u64 = 48 << 20;
/// Metrics as text, whatever was asked.
const METRICS_BYTES_MAX: usize = 256 << 10;

fn flooded() -> Setup {
    Setup::new()
        .set("server.trusted_proxies", "127.0.0.1/32")
        .set("limits.addresses_remembered", ADDRESSES_MAX)
        .set("log.filter", "debug")
}

/// A request that nobody has made before.
fn odd(number: usize) -> String {
    let word = format!("{WORD}{number}");
    let method = match number % 5 {
        0 => word.clone(),
        1 => "POST".into(),
        2 => "PROPFIND".into(),
        3 => format!("{WORD}{}", "M".repeat(number)),
        _ => "GET".into(),
    };
    let path = match number % 7 {
        0 => format!("/{word}"),
        1 => format!("/demo/chat/{word}?{word}"),
        2 => format!("/demo/chat/user/{word}/1/{word}"),
        3 => format!("/chat-server/user/{word}/messages"),
        4 => format!("/chat-server/user/{word}/{word}"),
        5 => format!("/{}/metrics", word.replace('Z', "%5A")),
        _ => "/chat-server/register".into(),
    };
    let from = match number % 3 {
        0 => format!("2001:db8:{:x}:{:x}::1", number % 0xffff, number),
        1 => format!("203.{}.{}.7", number / 250 % 250, number % 250),
        _ => word.clone(),
    };
    // Of what nobody reads the rest may not have come yet, and then the connection ends.
    let is_read = method == "POST" && path == "/chat-server/register";
    let body = match is_read {
        true => format!(r#"{{"userOne":"{word}","{word}":1,"hash":"{word}"}}"#),
        false => String::new(),
    };
    let kind = if is_read { "application/json" } else { &word };
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in [
        ("X-Forwarded-For", from.as_str()),
        (&word, &word),
        ("Content-Type", kind),
        ("Authorization", &format!("Bearer {word}")),
        ("Cookie", &format!("duet={word}; {word}={word}")),
        ("User-Agent", &word),
        ("Accept-Language", &word),
        (
            "Accept",
            if number.is_multiple_of(4) {
                "text/html"
            } else {
                &word
            },
        ),
        ("Last-Event-ID", &word),
        ("Content-Length", &body.len().to_string()),
    ] {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    request + "\r\n" + &body
}

/// Sends requests over a few connections, and reads the answers to all of them.
async fn flood(server: &Server) {
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let mut socket = raw::connect(server.address).await;
        connections.spawn(async move {
            let numbers = (0..REQUESTS).map(|number| number * CONNECTIONS + connection);
            let bytes = numbers.map(odd).collect::<String>();
            let (mut read, mut write) = socket.split();
            let mut heard = Vec::new();
            let all = async {
                write.write_all(bytes.as_bytes()).await.unwrap();
                write.shutdown().await.unwrap();
            };
            let (_, read) = tokio::join!(all, read.read_to_end(&mut heard));
            read.unwrap();
            let text = String::from_utf8_lossy(&heard);
            let answers = text.matches("HTTP/1.1 ").count();
            assert_eq!(answers, REQUESTS);
            for line in text.lines().filter(|line| line.starts_with("HTTP/1.1 5")) {
                // A method that nothing knows is the one thing that is not answered with a 4xx.
                assert!(line.starts_with("HTTP/1.1 501"), "{line}");
            }
        });
    }
    connections.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_words_requests_are_made_of_nothing_is_kept_under_them() {
    let server = flooded().start().await;
    flood(&server).await;
    let memory = server.resident_bytes();
    let metrics = server.ops().get("/metrics").await;
    let series = metrics.text().lines().count();
    for _ in 0..2 {
        flood(&server).await;
    }
    let grown = server.resident_bytes().saturating_sub(memory);
    assert!(grown < MEMORY_BYTES_MAX, "{grown}");
    let metrics = server.ops().get("/metrics").await;
    let text = metrics.text();
    assert!(text.len() < METRICS_BYTES_MAX, "{}", text.len());
    assert!(!text.contains(WORD) && !text.contains("PROPFIND"), "{text}");
    // More of the same makes no series that the first of it did not make.
    assert!(text.lines().count() <= series + 50, "{text}");
    let known = text
        .lines()
        .filter(|line| line.starts_with("duet_limited_addresses{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap());
    let known: Vec<usize> = known.collect();
    assert!(known.len() >= 5, "{text}");
    for addresses in known {
        assert!(addresses <= 2 * ADDRESSES_MAX, "{text}");
    }
    let log = server.log();
    assert!(!log.contains(WORD), "{log}");
    let files = walk(&server.folder());
    assert!(files.iter().all(|name| !name.contains(WORD)), "{files:?}");
}

/// The names of all files and folders below one.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            let below = walk(&entry.path());
            [entry.file_name().to_string_lossy().into_owned()]
                .into_iter()
                .chain(below)
        })
        .collect()
}

#[tokio::test]
async fn a_method_of_thirty_thousand_letters_leaves_nothing_in_memory() {
    let server = Server::start().await;
    let before = server.resident_bytes();
    for number in 0..300 {
        let method = format!("{WORD}{number}{}", "A".repeat(30_000));
        let request = format!("{method} /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = raw::exchange(server.address, request.as_bytes()).await;
        assert_eq!(answer.status, 501);
    }
    let metrics = server.ops().get("/metrics").await;
    assert!(metrics.body.len() < METRICS_BYTES_MAX);
    assert!(server.resident_bytes() < before + (16 << 20));
}

/// What fails for its address or method uses up what its address may ask.
#[tokio::test]
async fn requests_for_nothing_are_counted_by_address() {
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("DELETE", "/demo/chat/register", 405),
        ("BREW", "/demo/chat/register", 501),
        ("GET", "/%6detrics", 404),
    ] {
        let server = Setup::new()
            .set("limits.requests_per_address_per_second", 1)
            .set("limits.requests_per_address_burst", 20)
            .no_exemptions()
            .start()
            .await;
        let method: Method = method.parse().unwrap();
        for _ in 0..60 {
            let answer = server.front().call(method.clone(), path).send().await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
        // Of a few at once a slow machine lets one or two through.
        let api = server.api();
        let ask = || api.post("/chat-server/hash", serde_json::json!({}));
        let answers = futures_util::future::join_all((0..5).map(|_| ask())).await;
        let refused = answers.iter().filter(|answer| answer.status == 429);
        assert!(refused.count() > 0, "{method} {path}: {answers:?}");
    }
}
