//! How a body is written, and how an answer may be.

use serde_json::json;

use crate::support::{Browser, Chat, POST, Server};

#[tokio::test]
async fn a_compressed_body_is_415_on_either_door() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for path in [
        "/chat-server/register".to_owned(),
        chat.path("message_send"),
    ] {
        for coding in ["gzip", "br", "deflate", "x", "gzip, identity"] {
            let call = chat
                .one
                .api
                .call(POST, &path)
                .header("Content-Encoding", coding);
            let answer = call
                .body("application/json", b"\x1f\x8b\x08".to_vec())
                .send()
                .await;
            answer.fails_as(415, "unsupported_media_type");
        }
    }
    let call = Browser::new(&server).call(POST, "/demo/chat/register");
    let call = call.header("Content-Encoding", "gzip");
    let answer = call
        .body(
            "application/x-www-form-urlencoded",
            b"\x1f\x8b\x08".to_vec(),
        )
        .send()
        .await;
    assert_eq!(answer.status, 415, "{answer:?}");
    let call = chat.one.api.call(POST, &chat.path("message_send"));
    let call = call.header("Content-Encoding", "identity");
    call.json(json!({"message": "as it is"})).send().await.ok();
}

#[tokio::test]
async fn a_field_without_a_value_says_nothing_of_a_body_and_the_last_line_counts_as_the_first() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let send = |coding: [&str; 2]| {
        let call = chat.one.api.call(POST, &chat.path("message_send"));
        let call = call.header("Content-Encoding", coding[0]);
        let call = call.header("Content-Encoding", coding[1]);
        call.json(json!({"message": "x"})).send()
    };
    for coding in [["", ""], ["identity", ""], ["identity", ", Identity"]] {
        send(coding).await.ok();
    }
    for coding in [["identity", "gzip"], ["", "br"]] {
        send(coding).await.fails_as(415, "unsupported_media_type");
    }
    let call = chat.one.api.call(POST, "/chat-server/hash");
    call.header("Content-Type", "").send().await.ok();
}

#[tokio::test]
async fn a_byte_order_mark_before_json_is_nothing() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for body in [
        "\u{feff}{\"message\":\"x\"}",
        "\u{feff} {\"data\":{\"message\":\"x\"}}",
    ] {
        let call = chat.one.api.call(POST, &chat.path("message_send"));
        call.body("application/json", body).send().await.ok();
    }
    for body in ["\u{feff}", "\u{feff}\u{feff}{}", "{\u{feff}}"] {
        let call = chat.one.api.call(POST, &chat.path("message_send"));
        call.body("application/json", body).send().await.fails(400);
    }
}

#[tokio::test]
async fn a_page_is_sent_as_it_is_where_no_encoding_would_do() {
    let server = Server::start().await;
    let front = server.front();
    let page = front.get("/demo/chat/register").await;
    let quoted: Vec<&str> = page.text().split('"').collect();
    let asset = quoted
        .iter()
        .find(|part| part.contains("/assets/"))
        .unwrap();
    for path in ["/demo/chat/register", asset, "/demo/chat/nothing"] {
        for accepted in [
            "*;q=0",
            "identity;q=0",
            "identity;q=0, *;q=0",
            "x",
            "gzip;q=0",
            "q",
            "",
        ] {
            let call = front.call(reqwest::Method::GET, path);
            let answer = call.header("Accept-Encoding", accepted).send().await;
            assert!(matches!(answer.status, 200 | 404), "{accepted}: {answer:?}");
            assert_eq!(answer.header("content-encoding"), None, "{accepted} {path}");
        }
        for coding in ["gzip", "br"] {
            let call = front.call(reqwest::Method::GET, "/demo/chat/register");
            let answer = call.header("Accept-Encoding", coding).send().await;
            assert_eq!(answer.header("content-encoding"), Some(coding));
        }
    }
}
