//! A server that answers word for word what a test tells it to: for what no honest server does on demand.

#![expect(
    clippy::unwrap_used,
    reason = "tests alone use this, and each failure here is a failure of the test"
)]

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    checker::Seat,
    client::{Client, Session},
};

/// What follows on one connection: for each request its answer; then the connection closes.
pub type Script = Vec<String>;

/// The server; it listens until its last script has begun.
#[derive(Debug)]
pub struct Fixture {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    /// Plays one script per connection, in the order the connections come; after the last one nobody listens any more.
    pub async fn playing(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&requests);
        tokio::spawn(async move {
            for script in scripts {
                let (mut socket, _) = listener.accept().await.unwrap();
                for answer in script {
                    let mut request = Vec::new();
                    while !is_whole(&request) {
                        assert_ne!(
                            socket.read_buf(&mut request).await.unwrap(),
                            0,
                            "the client hung up"
                        );
                    }
                    heard
                        .lock()
                        .unwrap()
                        .push(String::from_utf8(request).unwrap());
                    socket.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        Self { url, requests }
    }

    /// A client of this server.
    pub async fn client(&self) -> Client {
        Client::new(&self.url).await.unwrap()
    }

    /// Everything that was asked so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    length.map_or(0, |length| length.parse().unwrap()) == body.len()
}

/// An answer with a length, after which the connection may be used again.
pub fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// An event stream in chunks, cut off (the last chunk is missing) unless `text` is followed by more.
pub fn stream(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n",
        text.len()
    )
}

/// A session as a login would have given it.
pub fn session() -> Session {
    Session {
        hash: "abc123".to_owned(),
        user: "Ada".to_owned(),
        peer: Some("Zoë".to_owned()),
        seat: Seat::One,
        token: "token".to_owned(),
        last_seq: 0,
        return_code: None,
    }
}
