//! 405, 415, 413 and 400: what is wrong with the request itself, on every path.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::paths::{PATHS, Path, Place};
use crate::support::{Chat, POST, Server, raw};

#[tokio::test]
async fn a_wrong_method_is_405_on_every_path_and_says_which_would_do() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for path in &PATHS {
        let address = path.address(Place::at(&chat.hash));
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let method: Method = method.parse().unwrap();
            if path.methods.contains(&method) {
                continue;
            }
            let answer = server.api().call(method, &address).send().await;
            answer.fails_as(405, "method_not_allowed");
            let allow = answer
                .header("allow")
                .unwrap()
                .split(", ")
                .collect::<BTreeSet<_>>();
            let takes = path.methods.iter().map(Method::as_str).collect();
            assert_eq!(allow, takes, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_head_request_neither_logs_out_nor_ends_a_chat() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for leaf in ["logout", "endchat"] {
        let path = format!("/chat-server/user/{leaf}");
        let answer = chat.one.api.call(Method::HEAD, &path).send().await;
        assert_eq!(answer.status, 405);
        assert!(
            answer
                .header("allow")
                .is_some_and(|allow| !allow.contains("HEAD"))
        );
        assert_eq!(answer.text(), "");
    }
    chat.one.get("messages").await.ok();
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_404_in_the_envelope() {
    let server = Server::start().await;
    for path in [
        "/chat-server",
        "/chat-server/",
        "/chat-server/nothing",
        "/chat-server/user/a/b",
    ] {
        for method in [Method::GET, POST] {
            server
                .api()
                .call(method, path)
                .send()
                .await
                .fails_as(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_say_it_is_json_is_415_on_every_path() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let place = Place::at(&chat.hash);
    let kinds = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "json",
        "",
    ];
    for path in Path::posted() {
        for kind in kinds {
            let call = chat.one.api.call(POST, &path.address(place));
            let answer = call.body(kind, path.body(place).to_string()).send().await;
            answer.fails_as(415, "unsupported_media_type");
        }
        let call = chat.one.api.call(POST, &path.address(place));
        call.bytes(path.body(place).to_string())
            .send()
            .await
            .fails(415);
    }
    assert_eq!(chat.one.texts().await.len(), 0);
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
    ] {
        let call = chat.one.api.call(POST, &chat.path("message_send"));
        call.body(kind, r#"{"message":"x"}"#).send().await.ok();
    }
}

#[tokio::test]
async fn a_body_without_a_byte_is_an_empty_object_whatever_it_says_it_is() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let post = |path: &str| chat.one.api.call(POST, path);
    let empty = async |path: &str| post(path).body("application/json", "").send().await;
    let missing = empty(&chat.path("message_send")).await;
    assert_eq!(missing.fails_as(400, "missing_field")["field"], "message");
    for path in [&chat.path("typing"), "/chat-server/user/logout"] {
        empty(path).await.ok();
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_413_on_every_path_however_it_is_sent() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let place = Place::at(&chat.hash);
    let address = server.address;
    for path in Path::posted() {
        let body = padded(path.body(place).to_string(), 64 * 1024 + 1);
        let call = chat.one.api.call(POST, &path.address(place));
        call.body("application/json", body.clone())
            .send()
            .await
            .fails_as(413, "body_too_large");

        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
            path.address(place),
            chat.one.token,
        );
        let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let answer = raw::exchange(address, (head + &chunk).as_bytes()).await;
        answer.fails_as(413, "body_too_large");
    }
    assert_eq!(chat.one.texts().await.len(), 0);
}

#[tokio::test]
async fn a_body_of_many_mib_is_answered_rather_than_cut_off() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let body = padded(r#"{"message":"x"}"#.into(), 8 << 20);
    for _ in 0..20 {
        let call = chat.one.api.call(POST, &chat.path("message_send"));
        call.body("application/json", body.clone())
            .send()
            .await
            .fails(413);
    }
}

/// The same JSON object, with blanks behind it up to this length.
fn padded(mut body: String, length: usize) -> String {
    body.push_str(&" ".repeat(length - body.len()));
    body
}

#[tokio::test]
async fn a_body_that_is_not_json_is_400_on_every_path() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let place = Place::at(&chat.hash);
    for path in Path::posted() {
        for body in [
            "{",
            "{\"data\":",
            "[]",
            "null",
            "5",
            "{} {}",
            "{\"data\":{},}",
            "\u{feff}{}x",
        ] {
            let call = chat.one.api.call(POST, &path.address(place));
            call.body("application/json", body)
                .send()
                .await
                .fails_as(400, "malformed");
        }
        for body in [
            json!({"data": 5}),
            json!({"data": []}),
            json!({"data": "x"}),
        ] {
            let call = chat.one.api.call(POST, &path.address(place));
            call.json(body).send().await.fails_at(400, "data");
        }
    }
    chat.one.get("messages").await.ok();
}
