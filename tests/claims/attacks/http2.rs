//! The same over HTTP/2, by TLS and without: frames that no client of HTTP/2 sends.

use std::sync::Arc;

use loadtest::servers::Authority;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::{HTTP2_BYTES_MAX, beside, impatient, long_chat};
use crate::support::{Api, Chat, Setup, tls};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Kinds of frames, and what is said of them (RFC 9113, 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Streams that one connection may have open.
const STREAMS: u32 = 100;

/// A connection, with or without TLS.
type Wire = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A GET, in the plainest HPACK there is (RFC 7541).
fn get(path: &str, token: &str) -> Vec<u8> {
    let text = |name: &[u8], value: &str| {
        let length = u8::try_from(value.len())
            .ok()
            .filter(|length| *length < 127);
        [name, &[length.unwrap()], value.as_bytes()].concat()
    };
    [
        // :method, :scheme, :path, :authority, authorization
        vec![0x82, 0x86],
        text(&[0x04], path),
        text(&[0x01], "x"),
        text(&[0x0f, 0x08], &format!("Bearer {token}")),
    ]
    .concat()
}

/// What opens a connection whose client says that it takes whatever comes.
fn opening() -> Vec<u8> {
    let most = 0x7fff_ffff_u32.to_be_bytes();
    let window = [&[0, 4], &most[..]].concat();
    let more = (0x7fff_ffff_u32 - 65_535).to_be_bytes();
    [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &window),
        frame(WINDOW_UPDATE, 0, 0, &more),
    ]
    .concat()
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
            let stream = connecting.await.unwrap();
            attack(Box::new(stream), head).await;
        }
    })
    .await;
}

/// A request for a page of a chat.
fn page(chat: &Chat) -> Vec<u8> {
    get(&chat.path("messages?limit=200"), &chat.one.token)
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
        let ping = frame(PING, 0, 0, &[0; 8]);
        while wire.write_all(&ping).await.is_ok() {}
    })
    .await;
}
