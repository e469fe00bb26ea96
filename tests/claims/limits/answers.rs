//! The memory of answers that their clients do not take.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use rand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Chat, DEADLINE, Server, Setup, eventually, raw, within};

/// A text of characters that take six bytes of JSON each, so that a request can just carry it.
fn hostile_text() -> String {
    format!("!{}", "\u{1}".repeat(10_000))
}

/// Sends a request and waits until this much of its answer has come, of which nothing is read.
async fn deaf(server: &Server, request: &str) -> TcpStream {
    const COME: usize = 32 * 1024;
    let mut socket = raw::connect(server.address).await;
    socket.write_all(request.as_bytes()).await.unwrap();
    eventually("the answer has begun", async || {
        let come = socket.peek(&mut [0; COME]).await.unwrap();
        (come == COME).then_some(())
    })
    .await;
    socket
}

/// A server with the least room for answers, which cuts off nobody for being slow.
async fn with_little_room() -> Server {
    let setup = Setup::new().set("limits.answers_waiting_mib", 1);
    let setup = setup.set("limits.stalled_stream_seconds", 3_600);
    setup.start().await
}

/// Answers that nobody takes hold no more memory than is set aside for all of them, and give way when
/// others need it.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_wait_are_bounded_over_all_connections_and_keep_nobody_out() {
    let server = with_little_room().await;
    let chat = Chat::begin(&server).await;
    let long = "x".repeat(16 * 1024);
    join_all((0..4).map(|_| chat.one.say(&long))).await;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        chat.path("messages?limit=200"),
        chat.one.token,
    );
    // Each takes nothing, and asks on until it is not heard any more.
    let mut deaf = JoinSet::new();
    for _ in 0..60 {
        let mut socket = raw::connect(server.address).await;
        let bytes = request.repeat(100);
        deaf.spawn(async move { while socket.write_all(bytes.as_bytes()).await.is_ok() {} });
    }
    let set_aside = async || server.metric("duet_http_answers_bytes").await;
    while deaf.len() > 50 {
        let page = server.front().get("/demo/chat/register").await;
        assert_eq!(page.status, 200);
        // An operator sees what is going on, and nobody restarts a server for it.
        assert_eq!(server.ops().get("/health/ready").await.status, 200);
        let set_aside = set_aside().await;
        assert!(set_aside <= f64::from(1 << 20), "{set_aside}");
        while deaf.try_join_next().is_some() {}
    }
    // Nobody else needs it now.
    deaf.abort_all();
    eventually("all of the room is free again", async || {
        (set_aside().await <= f64::from(64 << 10)).then_some(())
    })
    .await;
}

/// Requests whose bodies do not come to their end hold none of the room for answers.
#[tokio::test]
async fn requests_that_are_still_being_sent_keep_nobody_out() {
    let server = Setup::new()
        .set("limits.answers_waiting_mib", 1)
        .set("limits.request_seconds", 3_600)
        .start()
        .await;
    let unfinished =
        b"POST /chat-server/hash HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut socket = raw::connect(server.address).await;
        socket.write_all(unfinished).await.unwrap();
        held.push(socket);
    }
    for _ in 0..5 {
        let page = server.front().get("/demo/chat/register").await;
        assert_eq!(page.status, 200, "{page:?}");
    }
    let mut first = held.swap_remove(0);
    first.write_all(b"0\r\n\r\n").await.unwrap();
    let mut status = [0; 12];
    within(DEADLINE, "an answer", first.read_exact(&mut status))
        .await
        .unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
}

/// It is longer than what is set aside for an answer before it is made.
#[tokio::test]
async fn an_answer_that_is_longer_than_expected_counts_as_long_as_it_is() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for _ in 0..6 {
        chat.one.say(&hostile_text()).await;
    }
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        chat.path("messages?limit=200"),
        chat.one.token,
    );
    let deaf = deaf(&server, &request.repeat(20)).await;
    eventually("all of it counts", async || {
        let set_aside = server.metric("duet_http_answers_bytes").await;
        (set_aside > f64::from(300 << 10)).then_some(())
    })
    .await;
    drop(deaf);
}

/// What comes first of this chat can be compressed to nearly nothing, so a compressor would read megabytes of it before
/// a client had to take anything.
#[tokio::test]
async fn downloads_that_nobody_reads_take_little_memory() {
    const DOWNLOADS: u64 = 40;
    const BYTES_MAX: u64 = 512 << 10;
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let same = "x".repeat(16 * 1024);
    let mut different = [0; 12 * 1024];
    join_all((0..160).map(|_| chat.one.say(&same))).await;
    for _ in 0..40 {
        rand::rng().fill_bytes(&mut different);
        chat.one.say(&BASE64_STANDARD.encode(different)).await;
    }
    let request = format!(
        "GET /demo/chat/user/{}/1/download HTTP/1.1\r\nHost: localhost\r\nCookie: duet={}\r\n\
         Accept-Encoding: gzip, br\r\n\r\n",
        chat.hash, chat.one.token,
    );
    let first = deaf(&server, &request).await;
    let before = server.resident_bytes();
    let all = join_all((0..DOWNLOADS).map(|_| deaf(&server, &request))).await;
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(
        grown < BYTES_MAX * DOWNLOADS,
        "{} KiB each",
        (grown >> 10) / DOWNLOADS
    );
    drop((first, all));
}

#[tokio::test]
async fn replays_that_nobody_reads_take_little_memory() {
    const REPLAYS: u64 = 100;
    const BYTES_MAX: u64 = 176 << 10;
    let setup = Setup::new().set("limits.streams_per_seat", REPLAYS + 1);
    let server = setup.start().await;
    let chat = Chat::begin(&server).await;
    join_all((0..40).map(|_| async { chat.one.say(&hostile_text()).await })).await;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nLast-Event-ID: 0\r\n\r\n",
        chat.path("stream"),
        chat.one.token,
    );
    let first = deaf(&server, &request).await;
    let before = server.resident_bytes();
    let all = join_all((0..REPLAYS).map(|_| deaf(&server, &request))).await;
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(
        grown < BYTES_MAX * REPLAYS,
        "{} KiB each",
        (grown >> 10) / REPLAYS
    );
    drop((first, all));
}

/// It is longer than all of the room, and no copy of it is made for anybody.
#[tokio::test]
async fn files_that_nobody_reads_take_little_room() {
    const READERS: usize = 20;
    const FILE: &str = "/chat-server/docs/swagger-ui-bundle.js";
    let server = with_little_room().await;
    let file = server.api().get(FILE).await;
    assert_eq!(file.status, 200, "{}", file.text());
    assert!(file.body.len() > 1 << 20, "{}", file.body.len());
    let request = format!("GET {FILE} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut all = join_all((0..READERS).map(|_| deaf(&server, &request))).await;
    for _ in 0..5 {
        let page = server.front().get("/demo/chat/register").await;
        assert_eq!(page.status, 200, "{page:?}");
    }
    // Nobody was cut off for it.
    for socket in &mut all {
        let mut taken = vec![0; file.body.len()];
        within(DEADLINE, "the file", socket.read_exact(&mut taken))
            .await
            .unwrap();
    }
}

/// How many requests for pages of history the server says it has answered with this status.
async fn counted(server: &Server, status: u16) -> u64 {
    let text = server.ops().get("/metrics").await;
    let series = text.text().lines().filter(|line| {
        line.starts_with("duet_http_request_seconds_count")
            && line.contains("/messages\"")
            && line.contains(&format!("status=\"{status}\""))
    });
    series
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// A chat whose history is longer than what is set aside for an answer, and two answers of it that nobody reads. There is
/// room for the beginning of two more.
async fn nearly_full() -> (Server, Chat, [TcpStream; 2]) {
    let server = with_little_room().await;
    let chat = Chat::begin(&server).await;
    for _ in 0..6 {
        chat.one.say(&hostile_text()).await;
    }
    let path = chat.path("messages?limit=200");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        chat.one.token,
    );
    let unread = [
        deaf(&server, &request.repeat(20)).await,
        deaf(&server, &request.repeat(20)).await,
    ];
    (server, chat, unread)
}

/// As its request waited for what was set aside before.
#[tokio::test]
async fn an_answer_that_is_longer_than_expected_waits_for_its_room() {
    let (_server, chat, unread) = nearly_full().await;
    let page = chat.one.get("messages?limit=200").await;
    assert_eq!(page.status, 200, "{page:?}");
    drop(unread);
}

/// Of many that wait at once some may be refused.
#[tokio::test]
async fn an_answer_that_there_is_no_room_for_is_counted_as_what_was_sent() {
    const READERS: usize = 8;
    let (server, chat, unread) = nearly_full().await;
    let before = [counted(&server, 200).await, counted(&server, 503).await];
    let all = join_all((0..READERS).map(|_| chat.one.get("messages?limit=200"))).await;
    let given = |status| all.iter().filter(|answer| answer.status == status).count() as u64;
    let after = [counted(&server, 200).await, counted(&server, 503).await];
    assert_eq!(given(200) + given(503), READERS as u64);
    assert_eq!(after, [before[0] + given(200), before[1] + given(503)]);
    drop(unread);
}
