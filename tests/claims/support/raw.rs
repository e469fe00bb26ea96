//! Bytes on a socket, for what no HTTP client sends.

use std::net::SocketAddr;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, DEADLINE, within};

/// Opens a connection.
pub async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Sends these bytes, and reads until the server closes: they must ask for that.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let mut socket = connect(address).await;
    // A server that has read enough may close before it was told everything.
    let _ = socket.write_all(request).await;
    let first = request.split(|byte| *byte == b'\r').next().unwrap();
    let first = String::from_utf8_lossy(first);
    read(&mut socket, first.trim_end_matches(" HTTP/1.1")).await
}

/// Reads an answer until the server closes.
pub async fn read(socket: &mut TcpStream, to: &str) -> Answer {
    let mut bytes = Vec::new();
    within(DEADLINE, to, async {
        // What came before a reset is an answer as well.
        let _ = socket.read_to_end(&mut bytes).await;
    })
    .await;
    parse(&bytes, to)
}

fn parse(bytes: &[u8], to: &str) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        panic!("{to} → {:?}", String::from_utf8_lossy(bytes));
    };
    let head = str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::try_from(name).unwrap();
        headers.append(name, HeaderValue::try_from(value.trim()).unwrap());
    }
    Answer {
        to: to.into(),
        status: status.parse().unwrap(),
        headers,
        body: bytes[end + 4..].to_vec(),
    }
}
