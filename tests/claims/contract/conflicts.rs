//! 408, 409 and 422, where the rest of the claims does not come by them.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::support::{Chat, Server, Setup, chat::try_login, raw};

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_408_on_every_door() {
    let server = Setup::new().set("limits.request_seconds", 1).start().await;
    let chat = Chat::begin(&server).await;
    let pages = format!("/demo/chat/user/{}/1/receipt", chat.hash);
    for path in ["/chat-server/register", &chat.path("message_send"), &pages] {
        let mut socket = raw::connect(server.address).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {}\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{{\"data\"",
            server.address, chat.one.token,
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let answer = raw::read(&mut socket, &format!("POST {path}")).await;
        answer.fails_as(408, "timeout");
    }
    assert_eq!(chat.one.texts().await.len(), 0);
}

#[tokio::test]
async fn a_body_that_trickles_in_is_408_as_well() {
    let server = Setup::new().set("limits.request_seconds", 1).start().await;
    let mut socket = raw::connect(server.address).await;
    let head = format!(
        "POST /chat-server/register HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
        server.address,
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = socket.into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut answer);
    let _ = tokio::time::timeout(crate::support::DEADLINE, read)
        .await
        .unwrap();
    trickle.abort();
    assert!(
        answer.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut socket = raw::connect(server.address).await;
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{\"message\":\"cut off\"}}",
        chat.path("message_send"),
        chat.one.token,
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    // The answer, if there is one, is a failure.
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut answer);
    let _ = tokio::time::timeout(crate::support::DEADLINE, read)
        .await
        .unwrap();
    assert!(
        !answer.starts_with(b"HTTP/1.1 2"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(chat.one.texts().await.len(), 0);
}

#[tokio::test]
async fn a_seat_that_is_taken_is_409_without_a_code() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for name in ["Abhi", "anny"] {
        try_login(&server.api(), &chat.hash, name, json!({}))
            .await
            .fails_as(409, "seat_taken");
    }
}

#[tokio::test]
async fn a_message_id_stands_for_one_text_of_one_seat() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let id = Uuid::new_v4();
    let first = chat.one.say_as(id, "Hello").await.ok();
    let again = chat.one.say_as(id, "Hello").await.ok();
    assert_eq!((&again["seq"], &again["id"]), (&first["seq"], &first["id"]));
    assert_eq!(again["timestamp"], first["timestamp"]);
    for other in ["hello", "Hello ", "Something else"] {
        chat.one.say_as(id, other).await.fails_as(422, "id_reused");
    }
    // The other person's ids are their own.
    assert_eq!(chat.two.say_as(id, "Hi").await.ok()["seq"], 2);
    assert_eq!(chat.one.texts().await, ["Hello", "Hi"]);
    // An id is a UUID however it is written.
    let upper = json!({"message": "Hello", "id": id.to_string().to_uppercase()});
    assert_eq!(chat.one.post("message_send", upper).await.ok()["seq"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_many_times_at_once_is_stored_once() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let id = Uuid::new_v4();
    let mut sends = tokio::task::JoinSet::new();
    for _ in 0..30 {
        // Each on a connection of its own, as clients that have lost theirs would.
        let api = server.api().with(&chat.one.token);
        let (path, body) = (
            chat.path("message_send"),
            json!({"message": "Hello", "id": id}),
        );
        sends.spawn(async move { api.post(&path, body).await.ok()["seq"].clone() });
    }
    while let Some(seq) = sends.join_next().await {
        assert_eq!(seq.unwrap(), 1);
    }
    assert_eq!(chat.two.texts().await, ["Hello"]);
}
