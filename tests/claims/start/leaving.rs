//! On its way out: load balancers, streams and connections are told in that order.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Chat, Server, Setup, Stream, eventually, raw};

/// How many pairs' streams are moved at once, and how often, when there is time for it.
const AT_ONCE: u32 = 4;
const APART: Duration = Duration::from_millis(50);

/// Waits until it says that it is on its way out.
async fn until_draining(server: &Server) {
    eventually("it is not ready any more", async || {
        let ready = server.ops().get("/health/ready").await;
        (ready.status == 503).then(|| assert_eq!(ready.json()["reason"], "draining"))
    })
    .await;
}

#[tokio::test]
async fn an_instance_that_stops_serves_on_until_load_balancers_have_noticed() {
    let mut server = Setup::new()
        .set("server.leave_seconds", 3_600)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let mut before = chat.two.listen().await;
    before.next_of("hello").await;
    assert_eq!(server.metric("duet_draining").await, 0.0);

    server.ask_to_stop();
    until_draining(&server).await;
    assert_eq!(server.metric("duet_draining").await, 1.0);
    assert_eq!(server.ops().get("/health/live").await.status, 200);
    // Who is sent here all the same is served, and nobody is moved yet.
    let mut after = chat.one.listen().await;
    after.next_of("hello").await;
    chat.one.say("still here").await;
    for stream in [&mut before, &mut after] {
        assert_eq!(stream.next_texts(1).await, ["still here"]);
    }
    assert_eq!(server.metric("duet_streams_moved_total").await, 0.0);

    // Whoever insists does not have to wait an hour.
    eventually("it has ended", async || {
        server.ask_to_stop();
        server.has_ended()
    })
    .await;
    assert_eq!(server.wait().await.code(), Some(1));
    assert!(server.log().contains("twice"), "{}", server.log());
}

/// Waits until the server asks for the body.
async fn go_on(connection: &mut TcpStream) {
    let mut head = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    connection.read_exact(&mut head).await.unwrap();
}

#[tokio::test]
async fn operators_are_answered_until_the_last_request_is() {
    let mut server = Setup::new()
        .set("server.ops_bind", "127.0.0.1:0")
        .set("server.drain_seconds", 60)
        .start()
        .await;
    let body = r#"{"userOne": "Abhi", "userTwo": "Anny"}"#;
    let (begun, rest) = body.split_at(10);
    let head = format!(
        "POST /chat-server/register HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
        Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        server.address,
        body.len()
    );
    let mut slow = raw::connect(server.address).await;
    slow.write_all(head.as_bytes()).await.unwrap();
    go_on(&mut slow).await;
    slow.write_all(begun.as_bytes()).await.unwrap();
    server.ask_to_stop();
    eventually("nobody else is served", async || {
        let refused = TcpStream::connect(server.address).await.is_err();
        refused.then_some(())
    })
    .await;
    assert_eq!(server.metric("duet_draining").await, 1.0);
    slow.write_all(rest.as_bytes()).await.unwrap();
    assert_eq!(raw::read(&mut slow, "a slow request").await.status, 200);
    assert_eq!(server.wait().await.code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn a_signal_that_comes_twice_at_once_does_not_cut_anybody_off() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    stream.next_of("hello").await;
    // As GNU timeout does it.
    server.signals(&["TERM", "TERM", "INT"]);
    let last = stream.rest().await.pop().expect("a last word");
    assert!(last.retry.is_some(), "{last:?}");
    assert_eq!(server.wait().await.code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn its_streams_are_moved_some_at_a_time_and_told_when_to_come_back() {
    const CHATS: u32 = 60;
    let mut server = Setup::new().set("server.drain_seconds", 60).start().await;
    let mut streams: Vec<Stream> = Vec::new();
    for _ in 0..CHATS {
        let chat = Chat::begin(&server).await;
        let mut stream = chat.one.listen().await;
        stream.next_of("hello").await;
        streams.push(stream);
    }
    let asked = Instant::now();
    server.ask_to_stop();
    let mut ends = JoinSet::new();
    for mut stream in streams {
        ends.spawn(async move {
            let last = stream.rest().await.pop().expect("a last word");
            last.retry.expect("when to come back")
        });
    }
    let mut waits = ends.join_all().await;
    let earliest = APART * (CHATS / AT_ONCE - 1);
    assert!(asked.elapsed() >= earliest, "{:?}", asked.elapsed());
    assert!(
        waits.iter().all(|ms| (300..1_000).contains(ms)),
        "{waits:?}"
    );
    // They do not all come back at one moment.
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 10, "{waits:?}");
    assert_eq!(server.wait().await.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_is_on_its_way_is_answered_and_its_connection_closed_behind_it() {
    let mut server = Setup::new()
        .set("server.ops_bind", "127.0.0.1:0")
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let body = json!({"message": "on its way"}).to_string();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        chat.path("message_send"),
        chat.one.token,
        body.len(),
    );
    let mut idle = raw::connect(server.address).await;
    let mut busy = raw::connect(server.address).await;
    let live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    idle.write_all(live).await.unwrap();
    let mut status = [0; b"HTTP/1.1 200".len()];
    idle.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    busy.write_all(head.as_bytes()).await.unwrap();
    go_on(&mut busy).await;
    server.ask_to_stop();
    // An idle connection is closed at once; then the server waits for the other one alone.
    idle.read_to_end(&mut Vec::new()).await.unwrap();
    busy.write_all(body.as_bytes()).await.unwrap();
    let answer = raw::read(&mut busy, "message_send").await;
    answer.ok();
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(server.wait().await.code(), Some(0));
    let server = server.restart().await;
    assert_eq!(chat.moved_to(&server).one.texts().await, ["on its way"]);
}
