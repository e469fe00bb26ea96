//! How a connection ends.

use std::{convert::Infallible, future::pending, sync::Arc};

use actix_http::StatusCode;
use actix_service::{ServiceFactory, fn_service};
use futures_util::future::join;
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    sync::Semaphore,
    task::LocalSet,
    time::sleep,
};

use super::*;
use crate::http::{answers::Answers, low_priority::LowPriority, reads::Reads};

/// Serves a connection on which every request is refused before its body has come.
async fn refuse(connection: DuplexStream) -> io::Result<()> {
    let terms = Terms {
        deadline: Duration::from_secs(10),
        stalled: Duration::from_secs(30),
        answers: Answers::new(1),
        answers_per_connection: 1,
        waiting: Arc::new(Semaphore::new(1)),
        reads: Reads::new(1),
        low_priority: LowPriority::default(),
    };
    let refuse = fn_service(|_: Request| async {
        let refused = Response::new(StatusCode::TOO_MANY_REQUESTS);
        Ok::<Response<BoxBody>, Infallible>(refused)
    });
    let service = refuse.new_service(()).await.unwrap();
    let served = async {
        // It keeps the date in a task of its own.
        let config = ServiceConfig::default();
        serve(connection, None, &service, config, &terms, pending()).await
    };
    LocalSet::new().run_until(served).await
}

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n";

/// For longer than a client that says nothing is waited for.
#[tokio::test]
async fn who_still_sends_what_was_refused_gets_to_read_why() {
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
    // The client is polled first: on a machine that stood still for a while it is not late.
    let ((), served) = join(send, refuse(server)).await;
    served.unwrap();
}

#[tokio::test]
async fn who_says_nothing_more_or_does_not_stop_is_not_waited_for() {
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
