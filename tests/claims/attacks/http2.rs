//! The same over HTTP/2, by TLS and without: frames that no client of HTTP/2 sends.

use std::sync::Arc;

use harness::servers::Authority;
use rand::RngExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{HTTP2_BYTES_MAX, TRICKLE, beside, impatient, long_chat};
use crate::support::{
    Api, Chat, Setup,
    frames::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS,
        fields, frame, opening, opening_with_window,
    },
    tls,
};

/// Streams that one connection may have open.
const STREAMS: u32 = 100;

/// A connection, with or without TLS.
type Wire = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A GET with a token.
fn get(path: &str, token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    fields(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
        ("authorization", &bearer),
    ])
}

/// Runs an attack without TLS and with it; it is given the head of a request for as long a page as
/// there is. Of an answer nobody reads a byte.
async fn with_and_without_tls<A, F>(attack: A)
where
    A: Fn(Wire, Vec<u8>) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let attack = Arc::new(attack);
    let server = impatient().start().await;
    let api = Api::h2c(server.address);
    let head = page(&long_chat(&api).await);
    beside(&server, &api, HTTP2_BYTES_MAX, |socket| {
        attack(Box::new(socket), head.clone())
    })
    .await;

    let authority = Authority::new().unwrap();
    let server = Setup::new()
        .set("limits.stalled_stream_seconds", 2)
        .tls(&authority)
        .start()
        .await;
    let api = Api::trusting(&format!("https://{}", server.address), &authority);
    let head = page(&long_chat(&api).await);
    let connector = tls::connector(&authority, b"h2");
    let host = server.address.ip();
    beside(&server, &api, HTTP2_BYTES_MAX, |socket| {
        let connecting = connector.connect(host.into(), socket);
        let (attack, head) = (attack.clone(), head.clone());
        async move {
            // Of thousands of handshakes some are not done in time.
            if let Ok(stream) = connecting.await {
                attack(Box::new(stream), head).await;
            }
        }
    })
    .await;
}

/// A request for a page of a chat.
fn page(chat: &Chat) -> Vec<u8> {
    get(&chat.path("messages?limit=200"), &chat.one.token)
}

#[tokio::test(flavor = "multi_thread")]
async fn beginnings_without_an_end_are_cut_off_and_hold_nobody_up() {
    with_and_without_tls(|mut wire, _| async move {
        let begin = PREFACE.len() - rand::rng().random_range(1..=20);
        let _ = wire.write_all(&PREFACE[..begin]).await;
        let _ = wire.read_to_end(&mut Vec::new()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_go_on_and_on_are_cut_off_and_hold_nobody_up() {
    with_and_without_tls(|mut wire, _| async move {
        let begin = frame(HEADERS, END_STREAM, 1, &get("/", ""));
        let _ = wire.write_all(&[opening(), begin].concat()).await;
        let field = [&[0x00, 6][..], b"x-long", &[100], &[b'x'; 100]].concat();
        let more = frame(CONTINUATION, 0, 1, &field.repeat(150));
        while wire.write_all(&more).await.is_ok() {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back_at_once_are_cut_off_and_hold_nobody_up() {
    with_and_without_tls(|mut wire, head| async move {
        let _ = wire.write_all(&opening()).await;
        for stream in (1..u32::MAX >> 1).step_by(2) {
            let ask = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head);
            let take_back = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
            if wire.write_all(&[ask, take_back].concat()).await.is_err() {
                return;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_do_not_read_are_cut_off_and_hold_nobody_up() {
    with_and_without_tls(|mut wire, head| async move {
        let _ = wire.write_all(&opening()).await;
        for stream in (1..STREAMS * 2).step_by(2) {
            let ask = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head);
            let _ = wire.write_all(&ask).await;
        }
        until_cut_off(wire).await;
    })
    .await;
}

/// Says now and then that it is there, until it is told that it is not.
async fn until_cut_off(mut wire: Wire) {
    let ping = frame(PING, 0, 0, &[0; 8]);
    while wire.write_all(&ping).await.is_ok() {
        tokio::time::sleep(TRICKLE * 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_ask_for_nothing_are_cut_off_and_hold_nobody_up() {
    with_and_without_tls(|mut wire, _| async move {
        let _ = wire.write_all(&opening()).await;
        let frames = [
            frame(PING, 0, 0, &[0; 8]),
            frame(SETTINGS, 0, 0, &[]),
            frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]),
        ];
        let flood = frames[rand::rng().random_range(0..frames.len())].repeat(500);
        while wire.write_all(&flood).await.is_ok() {}
    })
    .await;
}

/// What is asked for without an end, with a body that never comes to its end or comes at once, or in
/// an encoding: whatever it is, no more answers are made than may wait.
#[tokio::test(flavor = "multi_thread")]
async fn readers_of_pages_that_take_nothing_are_given_few_answers_at_once() {
    let page = |method, more: &[(&str, &str)]| {
        let begin = [
            (":method", method),
            (":scheme", "http"),
            (":path", "/demo/chat/register"),
            (":authority", "localhost"),
            ("accept", "text/html"),
        ];
        fields(&[&begin[..], more].concat())
    };
    let form = ("content-type", "application/x-www-form-urlencoded");
    let kinds = Arc::new([
        (page("GET", &[]), 0, None),
        (
            page("GET", &[("accept-encoding", "gzip")]),
            END_STREAM,
            None,
        ),
        (page("HEAD", &[]), 0, None),
        (page("POST", &[form]), 0, Some((0, "userOne="))),
        (page("POST", &[form]), 0, Some((END_STREAM, "userOne="))),
        (
            page("POST", &[("content-type", "text/plain")]),
            0,
            Some((END_STREAM, "x")),
        ),
        (page("BREW", &[]), END_STREAM, None),
    ]);
    with_and_without_tls(move |mut wire, _| {
        let kinds = kinds.clone();
        async move {
            let (head, flags, body) = &kinds[rand::rng().random_range(0..kinds.len())];
            let _ = wire.write_all(&opening_with_window(0)).await;
            for stream in (1..STREAMS * 2).step_by(2) {
                let mut ask = frame(HEADERS, END_HEADERS | flags, stream, head);
                if let Some((flags, body)) = body {
                    ask.extend(frame(DATA, *flags, stream, body.as_bytes()));
                }
                let _ = wire.write_all(&ask).await;
            }
            // Some of these answers have no body that could be left: of those to pings nothing is taken.
            let ping = frame(PING, 0, 0, &[0; 8]);
            while wire.write_all(&ping).await.is_ok() {}
        }
    })
    .await;
}
