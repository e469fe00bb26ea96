//! HTTP/2, without TLS as proxies speak it: the same API and pages, the same streams, and its own limits.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Version;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Api, Chat, DEADLINE, Server, Setup, frames, within};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn a_chat_goes_over_one_connection_and_its_streams_say_nothing_about_connections() {
    let server = Server::start().await;
    let api = Api::h2c(server.address);
    let chat = Chat::begin_at(&api).await;
    let mut stream = chat.two.listen().await;
    for name in ["connection", "transfer-encoding", "keep-alive"] {
        assert_eq!(stream.headers.get(name), None);
    }
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    stream.next_of("hello").await;
    let long = "long ".repeat(3_000);
    for text in ["Hello", &long] {
        chat.one.say(text).await;
        assert_eq!(stream.next_texts(1).await, [text]);
    }
    assert_eq!(chat.one.texts().await.len(), 2);
    let head = api.call(reqwest::Method::GET, "/health/live").open().await;
    assert_eq!(head.version(), Version::HTTP_2);
    let refused = chat.one.post("message_send", json!({"message": ""})).await;
    refused.fails(400);
}

#[tokio::test]
async fn its_beginning_may_come_in_pieces() {
    let server = Server::start().await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let opening = frames::opening();
    for byte in &opening[..3] {
        socket.write_all(&[*byte]).await.unwrap();
        // Meanwhile the server looks at what there is.
        let _ = server.front().get("/health/live").await;
    }
    socket.write_all(&opening[3..]).await.unwrap();
    let mut head = [0; 9];
    within(DEADLINE, "settings", socket.read_exact(&mut head))
        .await
        .unwrap();
    assert_eq!(head[3], 4, "not SETTINGS: {head:?}");
}

#[tokio::test]
async fn a_stream_that_is_closed_beside_others_is_noticed_though_nothing_is_said_on_it() {
    let server = Server::start().await;
    let chat = Chat::begin_at(&Api::h2c(server.address)).await;
    let mut stays = chat.one.listen().await;
    let mut goes = chat.two.listen().await;
    stays.next_of("hello").await;
    goes.next_of("hello").await;
    server.streams_become(2.0).await;
    let mut fastest = DEADLINE;
    // A machine with much to do only makes it longer, so the best of a few counts.
    for _ in 0..5 {
        let closed = std::time::Instant::now();
        drop(goes);
        server.streams_become(1.0).await;
        fastest = fastest.min(closed.elapsed());
        goes = chat.two.listen().await;
        goes.next_of("hello").await;
        server.streams_become(2.0).await;
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
    chat.one.say("still open").await;
    assert_eq!(stays.next_texts(1).await, ["still open"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_takes_nothing_is_cut_off_and_its_neighbour_on_the_connection_goes_on() {
    let server = Setup::new()
        .set("limits.stalled_stream_seconds", 2)
        .set("limits.sends_per_seat_per_second", 100_000)
        .set("limits.sends_per_seat_burst", 100_000)
        .start()
        .await;
    let chat = Chat::begin_at(&Api::h2c(server.address)).await;
    let mut reads = chat.two.listen().await;
    reads.next_of("hello").await;
    let flood = async |count: u64, first: u64, stream: &mut crate::support::Stream| {
        let mut senders = JoinSet::new();
        for _ in 0..8 {
            let person = chat.one.clone();
            senders.spawn(async move {
                for _ in 0..count / 8 {
                    person.say(&"x".repeat(16 * 1024)).await;
                }
            });
        }
        let mut most = 0;
        for seq in first..first + count {
            assert_eq!(stream.next_of("message").await.seq(), seq);
            if seq % 50 == 0 {
                most = most.max(server.resident_bytes());
            }
        }
        senders.join_all().await;
        most
    };
    let before = flood(400, 1, &mut reads).await;
    let mut deaf = Vec::new();
    for _ in 0..4 {
        // Open, and not read from here on.
        deaf.push(chat.two.listen().await);
    }
    server.streams_become(5.0).await;
    let most = flood(1_600, 401, &mut reads).await;
    // Each of the four missed 25 MiB.
    let grown = most.saturating_sub(before);
    assert!(grown < 30 * MIB, "{} MiB", grown / MIB);
    server.streams_become(1.0).await;
    drop(deaf);
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go_when_the_server_stops() {
    let mut server = Setup::new()
        .set("server.drain_seconds", 3_600)
        .start()
        .await;
    let chat = Chat::begin_at(&Api::h2c(server.address)).await;
    let mut stream = chat.one.listen().await;
    stream.next_of("hello").await;
    server.ask_to_stop();
    let last = stream.rest().await.pop().expect("a last word");
    assert!(last.retry.is_some(), "{last:?}");
    assert_eq!(server.wait().await.code(), Some(0));
}

/// Neither those whose clients have not begun, nor one whose client does not say that it has heard.
#[tokio::test]
async fn connections_whose_clients_are_silent_do_not_hold_up_a_server_that_stops() {
    let mut server = Setup::new()
        .set("server.drain_seconds", 3_600)
        .set("limits.request_seconds", 3_600)
        .start()
        .await;
    let opening = frames::opening();
    let mut silent = Vec::new();
    for begin in [&frames::PREFACE[..3], &frames::PREFACE[..20], &opening] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(begin).await.unwrap();
        // The server sends its settings before it has read the whole beginning.
        within(DEADLINE, "settings", socket.read_exact(&mut [0; 9]))
            .await
            .unwrap();
        silent.push(socket);
    }
    server.ask_to_stop();
    let ended = within(DEADLINE, "it ends", server.wait()).await;
    assert_eq!(ended.code(), Some(0), "{}", server.log());
}

/// A bare client and its connection.
async fn connect(
    server: &Server,
) -> (
    h2::client::SendRequest<Bytes>,
    tokio::task::JoinHandle<Result<(), h2::Error>>,
) {
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (client, connection) = h2::client::handshake(socket).await.unwrap();
    (client, tokio::spawn(connection))
}

fn request(server: &Server, path: &str) -> http::Request<()> {
    http::Request::get(format!("http://{}{path}", server.address))
        .body(())
        .unwrap()
}

#[tokio::test]
async fn a_client_that_keeps_its_body_back_is_told_to_go_on() {
    let server = Server::start().await;
    let (client, connection) = connect(&server).await;
    let mut client = client.ready().await.unwrap();
    let url = format!("http://{}/chat-server/register", server.address);
    let ask = http::Request::post(url)
        .header("content-type", "application/json")
        .header("expect", "100-Continue");
    let (mut answer, mut body) = client.send_request(ask.body(()).unwrap(), false).unwrap();
    let told = std::future::poll_fn(|cx| answer.poll_informational(cx));
    let told = within(DEADLINE, "an answer", told).await;
    assert_eq!(told.expect("told to go on").unwrap().status(), 100);
    let names = br#"{"userOne":"Abhi","userTwo":"Anny"}"#;
    body.send_data(Bytes::from_static(names), true).unwrap();
    let answer = within(DEADLINE, "an answer", answer).await;
    assert_eq!(answer.unwrap().status(), 200);
    connection.abort();
}

#[tokio::test]
async fn a_client_that_opens_and_resets_without_end_is_cut_off_alone() {
    let server = Server::start().await;
    let (client, connection) = connect(&server).await;
    let mut client = client.ready().await.unwrap();
    for _ in 0..10_000 {
        let Ok((_, mut opened)) = client.send_request(request(&server, "/health/live"), true)
        else {
            break;
        };
        opened.send_reset(h2::Reason::CANCEL);
        match client.ready().await {
            Ok(ready) => client = ready,
            Err(_) => break,
        }
    }
    is_cut_off_alone(connection, &server).await;
}

#[tokio::test]
async fn a_client_that_sends_frames_with_nothing_in_them_is_cut_off_alone() {
    let server = Server::start().await;
    let (client, connection) = connect(&server).await;
    let mut client = client.ready().await.unwrap();
    let mut asked = request(&server, "/chat-server/hash");
    *asked.method_mut() = http::Method::POST;
    let (_answer, mut body) = client.send_request(asked, false).unwrap();
    for _ in 0..10_000 {
        if body.send_data(Bytes::new(), false).is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    is_cut_off_alone(connection, &server).await;
}

/// It is told to calm down, unless the connection is closed under what it still sends.
async fn is_cut_off_alone(
    connection: tokio::task::JoinHandle<Result<(), h2::Error>>,
    server: &Server,
) {
    let ended = within(DEADLINE, "it is cut off", connection).await.unwrap();
    let reason = ended.unwrap_err().reason();
    assert!(
        matches!(reason, None | Some(h2::Reason::ENHANCE_YOUR_CALM)),
        "{reason:?}"
    );
    assert_eq!(server.ops().get("/health/ready").await.status, 200);
}

#[tokio::test]
async fn what_a_connection_may_open_and_a_head_may_hold_is_bounded() {
    let server = Server::start().await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (client, mut connection) = h2::client::handshake::<_>(socket).await.unwrap();
    let mut client = client.ready().await.unwrap();
    let mut ask = async |header: String| {
        let mut asked = request(&server, "/health/live");
        asked
            .headers_mut()
            .insert("x-long", header.parse().unwrap());
        let (answer, _) = client.send_request(asked, true).unwrap();
        tokio::select! {
            answer = answer => answer.map(|answer| answer.status().as_u16()),
            ended = &mut connection => panic!("the connection ended: {ended:?}"),
        }
    };
    assert_eq!(ask("x".repeat(8_000)).await.unwrap(), 200);
    let refused = ask("x".repeat(40_000)).await;
    assert!(!matches!(refused, Ok(200)), "{refused:?}");
    assert_eq!(connection.max_concurrent_send_streams(), 100);
}

#[tokio::test]
async fn requests_past_those_that_may_wait_are_refused_so_that_they_may_be_sent_again() {
    // Two answers at once, sixteen that wait in any case, and one more.
    const TAKEN: usize = 19;
    let setup = Setup::new().set("limits.answers_per_connection", 2);
    let server = setup.set("limits.requests_waiting", 1).start().await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    // Of no body a byte is taken, so no answer comes to its end.
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(0)
        .handshake::<_, Bytes>(socket)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut answers = JoinSet::new();
    for _ in 0..TAKEN + 20 {
        let (answer, _) = client
            .send_request(request(&server, "/demo/chat/register"), true)
            .unwrap();
        answers.spawn(answer);
    }
    for _ in 0..20 {
        let refused = async {
            loop {
                if let Err(error) = answers.join_next().await.unwrap().unwrap() {
                    return error.reason();
                }
            }
        };
        let refused = within(DEADLINE, "one more is refused", refused).await;
        assert_eq!(refused, Some(h2::Reason::REFUSED_STREAM));
    }
    // Everybody else is served.
    assert_eq!(server.front().get("/demo/chat/register").await.status, 200);
    let (other, _) = connect(&server).await;
    let mut other = other.ready().await.unwrap();
    let (answer, _) = other
        .send_request(request(&server, "/health/live"), true)
        .unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    assert!(
        answers
            .try_join_next()
            .is_none_or(|answer| answer.unwrap().is_ok())
    );
    connection.abort();
}
