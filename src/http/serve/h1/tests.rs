//! How a connection ends.

use std::{future::pending, pin::pin, sync::Arc};

use actix_http::{StatusCode, body::BodyStream};
use futures_util::{StreamExt, future::join, stream};
use prometheus::Registry;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Semaphore,
    task::LocalSet,
    time::sleep,
};

use super::{transfer::CLOSE_PAUSE_MAX, *};
use crate::http::{
    observe::HttpMetrics,
    serve::{
        low_priority::LowPriorityQueue, read_turns::ReadTurns, response_memory::ResponseMemory,
    },
};

/// Serves a connection on which every request is refused, one whose body is too long before that has come.
async fn refuse(connection: DuplexStream) -> io::Result<()> {
    let app = async |_| Response::new(StatusCode::TOO_MANY_REQUESTS);
    serve(connection, app).await
}

async fn serve(connection: DuplexStream, app: impl App) -> io::Result<()> {
    let context = Rc::new(ConnectionContext {
        deadline: Duration::from_secs(10),
        stalled: Duration::from_secs(30),
        response_memory: ResponseMemory::new(1),
        answers_per_connection: 1,
        waiting: Arc::new(Semaphore::new(1)),
        reads: ReadTurns::new(1),
        low_priority: LowPriorityQueue::default(),
        metrics: HttpMetrics::register(&Registry::new()),
        is_https: false,
    });
    let served = async {
        // It keeps the `Date` header up to date in a task of its own, so it needs the `LocalSet`.
        let config = ServiceConfig::default();
        let mut connection = Connection::new(connection, None, config, context);
        connection.serve(&app, pin!(pending())).await
    };
    LocalSet::new().run_until(served).await
}

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n";

/// It keeps sending for longer than the server waits for a silent client.
#[tokio::test]
async fn a_client_that_still_sends_a_refused_body_can_read_the_response() {
    let (mut client, server) = duplex(1_000);
    let send = async {
        client.write_all(HEAD).await.unwrap();
        let pause = CLOSE_PAUSE_MAX / 10;
        for _ in 0..15 {
            sleep(pause).await;
            client.write_all(&[b' '; 4_000]).await.unwrap();
        }
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
        drop(client);
    };
    // The client is polled first, so that it is not late even if the machine stalled.
    let ((), served) = join(send, refuse(server)).await;
    served.unwrap();
}

#[tokio::test]
async fn a_client_that_is_silent_or_never_stops_sending_is_not_waited_for() {
    let (mut client, server) = duplex(1_000);
    client.write_all(HEAD).await.unwrap();
    refuse(server).await.unwrap();

    let (mut client, server) = duplex(1_000);
    let send = async {
        client.write_all(HEAD).await.unwrap();
        while client.write_all(&[b' '; 1_000]).await.is_ok() {}
    };
    let ((), served) = join(send, refuse(server)).await;
    served.unwrap();
}

#[tokio::test]
async fn a_request_behind_a_stream_is_not_answered_within_it() {
    let (mut client, server) = duplex(1_000);
    let app = async |_| {
        let begun = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"begun"))]);
        let body = BodyStream::new(begun.chain(stream::pending()));
        Response::with_body(StatusCode::OK, body).map_into_boxed_body()
    };
    let ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    client.write_all(&ask).await.unwrap();
    // It sends nothing more, and still reads.
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    let (_, read) = join(serve(server, app), client.read_to_string(&mut answer)).await;
    read.unwrap();
    assert!(answer.ends_with("begun\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_client_is_told_to_go_on_unless_its_body_is_too_long() {
    let kept_back = |length| {
        format!(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let (mut client, server) = duplex(1_000);
    let too_long = kept_back(70_000);
    client.write_all(too_long.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let (_, read) = join(refuse(server), client.read_to_string(&mut answer)).await;
    read.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");

    let (mut client, server) = duplex(1_000);
    let app = async |mut request: Request| {
        let mut body = BytesMut::new();
        let mut payload = request.take_payload();
        while let Some(chunk) = payload.next().await {
            body.extend_from_slice(&chunk.unwrap());
        }
        Response::with_body(StatusCode::OK, body.freeze()).map_into_boxed_body()
    };
    let send = async {
        client.write_all(kept_back(2).as_bytes()).await.unwrap();
        let mut told = [0; 25];
        client.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
        client.write_all(b"{}").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("{}"), "{answer}");
    };
    join(send, serve(server, app)).await.1.unwrap();
}
