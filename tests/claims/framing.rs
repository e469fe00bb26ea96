//! Where one request ends and the next begins: everybody on the way sees the same, and after
//! anything wrong nothing more is read.

mod pseudo;
mod table;

use harness::servers::{Kind, Shape};
use tokio::net::TcpStream;

use crate::support::{
    Server, Setup,
    cluster::Cluster,
    framing::{exchange, requests_seen, statuses},
    raw,
};
use table::rows;

/// Asks for the end of the connection, behind whatever a row holds.
const LAST: &str = "GET /chat-server/openapi.json HTTP/1.1\r\nHost: localhost\r\n\
                    Connection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_holds_as_many_requests_as_it_says_and_none_behind_a_fault() {
    let server = Setup::new().set("limits.request_seconds", 2).start().await;
    let ops = server.ops();
    let mut wrong = Vec::new();
    for row in rows() {
        let before = requests_seen(&ops).await;
        let socket = raw::connect(server.address).await;
        let heard = exchange(socket, (row.bytes.clone() + LAST).as_bytes()).await;
        let seen = requests_seen(&ops).await - before;
        let answers = statuses(&heard);
        let wanted = row.requests as u64 + u64::from(!row.ends);
        let told = match row.requests {
            // What is no request is refused in so many words.
            0 => answers.len() == 1 && answers[0] >= 400,
            _ => answers.len() as u64 == wanted,
        };
        let refused_in_itself = row.ends && row.requests == 1 && row.what != "HTTP/1.0";
        let refused = !refused_in_itself || answers.first() == Some(&400);
        if seen != wanted || !told || !refused {
            let bytes = &row.bytes;
            wrong.push(format!(
                "{}: {bytes:?}: {seen} requests instead of {wanted}, answered {answers:?}",
                row.what
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_in_behind_another_request_through_haproxy() {
    through(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_in_behind_another_request_through_nginx() {
    through(Kind::Nginx).await;
}

/// Every request that an instance sees is one that the proxy saw: it has an answer of its own.
async fn through(kind: Kind) {
    let cluster = Cluster::start(kind, Shape::Alike, &[("limits.request_seconds", "2")]);
    let seen = async || {
        let instances = [cluster.instance(0), cluster.instance(1)];
        requests_seen(&instances[0]).await + requests_seen(&instances[1]).await
    };
    let mut wrong = Vec::new();
    for row in rows() {
        let before = seen().await;
        let wire = cluster.wire(b"http/1.1").await;
        let heard = exchange(wire, (row.bytes.clone() + LAST).as_bytes()).await;
        let answers = statuses(&heard);
        let requests = seen().await - before;
        if requests > answers.len() as u64 {
            let bytes = &row.bytes;
            wrong.push(format!(
                "{}: {bytes:?}: {requests} requests, answered {answers:?}",
                row.what
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a client of HTTP/1.0 gets, to the last byte.
async fn by_http_1_0(server: &Server, request: &str) -> (String, Vec<u8>) {
    let socket: TcpStream = raw::connect(server.address).await;
    let heard = exchange(socket, request.as_bytes()).await;
    let end = heard
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8_lossy(&heard[..end]).to_lowercase();
    (head, heard[end + 4..].to_vec())
}

#[tokio::test]
async fn a_client_of_http_1_0_is_told_that_the_connection_ends_and_gets_plain_bodies() {
    let server = Server::start().await;
    for headers in [
        "",
        "Connection: keep-alive\r\n",
        "Accept-Encoding: gzip\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    ] {
        let page = format!("GET /demo/chat/register HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n");
        let (head, body) = by_http_1_0(&server, &page).await;
        assert!(head.contains(" 200 "), "{head}");
        assert!(head.contains("\r\nconnection: close"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        let plain = body.starts_with(b"<!DOCTYPE html>") && body.ends_with(b"</html>");
        let packed = headers.contains("gzip") && body.starts_with(&[0x1f, 0x8b]);
        assert!(
            plain || packed,
            "{head} {:?}",
            String::from_utf8_lossy(&body)
        );
    }
    // Without a host as well: it came with HTTP/1.1.
    let (head, _) = by_http_1_0(&server, "GET /demo/chat/register HTTP/1.0\r\n\r\n").await;
    assert!(head.contains(" 200 "), "{head}");
}
