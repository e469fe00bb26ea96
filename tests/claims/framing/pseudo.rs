//! The same over HTTP/2, where the fields that HTTP/1.1 has in its first line come among others.

use harness::servers::{Kind, Shape};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::support::{
    DEADLINE, Server,
    cluster::Cluster,
    frames::{self, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM},
    framing::requests_seen,
    raw, within,
};

/// Fields of a request, and whether it is one that may be answered.
struct Row {
    fields: Vec<(&'static str, &'static str)>,
    body: &'static str,
    is_request: bool,
}

const GOOD: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/chat-server/openapi.json"),
    (":authority", "localhost"),
];

fn rows() -> Vec<Row> {
    let get = |fields: Vec<(&'static str, &'static str)>, is_request| Row {
        fields,
        body: "",
        is_request,
    };
    let with = |name, value| [&GOOD[..], &[(name, value)]].concat();
    let instead = |name: &str, value: &'static str| {
        let other = |(known, old): &(&'static str, &'static str)| match *known == name {
            true => (*known, value),
            false => (*known, *old),
        };
        GOOD.iter().map(other).collect::<Vec<_>>()
    };
    let without = |name: &str| {
        let kept = GOOD.iter().filter(|(known, _)| *known != name);
        kept.copied().collect::<Vec<_>>()
    };
    let post = |length, body| Row {
        fields: [
            (":method", "POST"),
            (":scheme", "https"),
            (":path", "/chat-server/hash"),
            (":authority", "localhost"),
            ("content-type", "application/json"),
            ("content-length", length),
        ]
        .to_vec(),
        body,
        is_request: false,
    };
    let hidden = "/chat-server/x HTTP/1.1\r\nHost: localhost\r\n\r\nGET /chat-server/hidden";
    vec![
        get(GOOD.to_vec(), true),
        get(with("x-a", "b"), true),
        get(with(":path", "/chat-server/hidden"), false),
        get(with(":method", "POST"), false),
        get(with(":unknown", "x"), false),
        get(without(":method"), false),
        get(without(":path"), false),
        get(instead(":path", ""), false),
        get(instead(":path", "/chat-server/x y"), false),
        get(instead(":path", hidden), false),
        get(
            instead(":method", "GET / HTTP/1.1\r\nA: b\r\n\r\nGET"),
            false,
        ),
        get(instead(":authority", "local\r\nhost"), false),
        get(with("X-Upper", "b"), false),
        get(with("x a", "b"), false),
        get(with("x-a", "b\r\nx-c: d"), false),
        get(with("x-a", "b\0c"), false),
        get(with("connection", "keep-alive"), false),
        get(with("transfer-encoding", "chunked"), false),
        get(with("upgrade", "websocket"), false),
        get(with("te", "gzip"), false),
        get(with("content-length", "5"), false),
        post("5", "{}"),
        post("1", "{}"),
        post("+2", "{}"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_http_2_requests_are_refused() {
    let server = Server::start().await;
    let ops = server.ops();
    let mut wrong = Vec::new();
    for row in rows() {
        let before = requests_seen(&ops).await;
        let socket = raw::connect(server.address).await;
        let (_, last) = exchange(socket, &row).await;
        let refused = row
            .fields
            .iter()
            .any(|(_, value)| *value == "5" || *value == "1");
        let seen = requests_seen(&ops).await - before - u64::from(last);
        // A length that is not kept to may show after the request was begun.
        let may_be = match (row.is_request, refused) {
            (true, _) => seen == 1,
            (false, true) => seen <= 1,
            (false, false) => seen == 0,
        };
        if !may_be {
            wrong.push(format!("{:?}: {seen} requests", row.fields));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_of_http_2_becomes_a_request_through_a_proxy() {
    for kind in [Kind::Haproxy, Kind::Nginx] {
        let cluster = Cluster::start(kind, Shape::Alike, &[]);
        let seen = async || {
            let instances = [cluster.instance(0), cluster.instance(1)];
            requests_seen(&instances[0]).await + requests_seen(&instances[1]).await
        };
        let mut wrong = Vec::new();
        for row in rows() {
            let before = seen().await;
            let wire = cluster.wire(b"h2").await;
            let (first, last) = exchange(wire, &row).await;
            let requests = seen().await - before;
            if requests > u64::from(first) + u64::from(last) {
                wrong.push(format!("{kind:?} {:?}: {requests} requests", row.fields));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Sends a row, and a good request behind it: which of the two is answered?
async fn exchange(mut wire: impl AsyncRead + AsyncWrite + Unpin, row: &Row) -> (bool, bool) {
    let mut bytes = frames::opening();
    let ends = if row.body.is_empty() { END_STREAM } else { 0 };
    let fields = frames::fields(&row.fields);
    bytes.extend(frames::frame(HEADERS, END_HEADERS | ends, 1, &fields));
    if !row.body.is_empty() {
        bytes.extend(frames::frame(DATA, END_STREAM, 1, row.body.as_bytes()));
    }
    let good = frames::fields(&GOOD);
    bytes.extend(frames::frame(HEADERS, END_HEADERS | END_STREAM, 3, &good));
    let _ = wire.write_all(&bytes).await;
    let (mut first, mut last) = (false, false);
    // Both are over one way or the other, or the connection is.
    let (mut first_over, mut last_over) = (false, false);
    within(DEADLINE, "both are answered or refused", async {
        while !(first_over && last_over) {
            let Some((kind, flags, stream)) = next(&mut wire).await else {
                return;
            };
            let over = kind == RST_STREAM || flags & END_STREAM != 0 && kind <= HEADERS;
            match stream {
                1 => (first, first_over) = (first || kind == HEADERS, first_over || over),
                3 => (last, last_over) = (last || kind == HEADERS, last_over || over),
                _ if kind == GOAWAY => return,
                _ => {}
            }
        }
    })
    .await;
    (first, last)
}

/// Kind, flags and stream of the next frame; what it holds is skipped.
async fn next(wire: &mut (impl AsyncRead + Unpin)) -> Option<(u8, u8, u32)> {
    let mut head = [0; 9];
    wire.read_exact(&mut head).await.ok()?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let length = u32::from_be_bytes([0, a, b, c]) as usize;
    wire.read_exact(&mut vec![0; length]).await.ok()?;
    Some((kind, flags, u32::from_be_bytes(stream) & 0x7fff_ffff))
}
