//! 405, 415, 413, 400, 401, 410, 404 and 403, each on every path where it can occur.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::paths::{PATHS, Path, Place, Proof};
use crate::support::{Chat, POST, Server, raw};

/// A token of the right form that nobody was ever given.
const STRANGER: &str = "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn a_wrong_method_is_405_on_every_path_and_says_which_would_do() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for path in &PATHS {
        let address = path.address(Place::at(&chat.hash));
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
        ] {
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

#[tokio::test]
async fn without_a_session_every_path_that_needs_one_is_401() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let place = Place::at(&chat.hash);
    let (tag, secret) = chat.one.token.split_once('.').unwrap();
    let other_secret = STRANGER.split_once('.').unwrap().1;
    let proofs = [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer nonsense".to_owned(),
        format!("Bearer {tag}"),
        format!("Bearer {secret}"),
        format!("Bearer {tag}."),
        format!("Bearer {tag}.{secret}x"),
        format!("Bearer {tag}.{secret}.{secret}"),
        format!("Bearer {STRANGER}"),
        format!("Basic {}", chat.one.token),
        chat.one.token.clone(),
    ];
    for path in Path::wanting(&[Proof::Session, Proof::Token]) {
        for call in path.calls(&server.api(), place) {
            call.send().await.fails_as(401, "no_session");
        }
        for proof in &proofs {
            for call in path.calls(&server.api(), place) {
                let answer = call.header("Authorization", proof).send().await;
                answer.fails_as(401, "no_session");
            }
        }
        // A session that was logged out cannot be told from one that never was, and to log out
        // twice is fine.
        if !path.is("/logout") {
            for call in path.calls(&server.api(), place) {
                let guess = format!("{tag}.{other_secret}");
                call.token(&guess).send().await.fails_as(401, "no_session");
            }
        }
    }
    chat.one.get("messages").await.ok();
}

#[tokio::test]
async fn bytes_that_are_no_text_in_a_header_are_an_answer_and_not_a_crash() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for header in [
        "Authorization: Bearer ",
        "Content-Type: ",
        "Last-Event-ID: ",
        "Cookie: duet=",
    ] {
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{header}",
            chat.path("messages"),
            server.address,
        )
        .into_bytes();
        request.extend(b"\xff\xfe\x80\r\n\r\n");
        raw::exchange(server.address, &request).await.fails(401);
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_401_everywhere() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.log_out().await.ok();
    for path in Path::wanting(&[Proof::Session, Proof::Token]) {
        if !path.is("/logout") {
            for answer in path.answers(&chat.one.api, Place::at(&chat.hash)).await {
                answer.fails_as(401, "no_session");
            }
        }
    }
    chat.two.get("messages").await.ok();
}

#[tokio::test]
async fn everything_of_a_chat_that_ended_is_410_and_its_stream_204() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let ask = json!({"user": "Anny", "hash": chat.hash});
    let ask = api.post("/chat-server/user/Anny/login/ask", ask).await.ok();
    chat.two.end().await.ok();
    let place = Place {
        hash: &chat.hash,
        ask: ask["askId"].as_str().unwrap(),
    };
    for path in PATHS.iter().filter(|path| path.proof != Proof::None) {
        for answer in path.answers(&chat.one.api, place).await {
            if path.is("/stream") {
                assert_eq!((answer.status, answer.text()), (204, ""), "{answer:?}");
            } else if path.is("/endchat") {
                answer.ok_with(&[]);
            } else {
                answer.fails_as(410, "chat_ended");
            }
        }
    }
}

#[tokio::test]
async fn a_hash_that_names_no_chat_is_404() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for hash in ["nobody-made-this", "nobody"] {
        let place = Place {
            hash,
            ask: STRANGER,
        };
        for path in Path::wanting(&[Proof::Link, Proof::Ask, Proof::Session]) {
            for answer in path.answers(&chat.one.api, place).await {
                answer.fails_as(404, "no_such_chat");
            }
        }
    }
    // An address whose hash could never be one names no chat either.
    for path in Path::wanting(&[Proof::Session]) {
        for hash in ["short", "%20", "abc%2F123", "%FF%FE%80abcd"] {
            for answer in path.answers(&chat.one.api, Place::at(hash)).await {
                answer.fails(404);
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_another_chat_is_403() {
    let server = Server::start().await;
    let (own, other) = (Chat::begin(&server).await, Chat::begin(&server).await);
    let before = crate::support::store::rows(&server.database());
    for path in Path::wanting(&[Proof::Session]) {
        for answer in path.answers(&own.one.api, Place::at(&other.hash)).await {
            answer.fails_as(403, "other_chat");
        }
    }
    assert_eq!(crate::support::store::rows(&server.database()), before);
}

#[tokio::test]
async fn a_name_that_is_not_in_the_chat_is_403() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for leaf in ["login", "login/ask"] {
        let body = json!({"user": "Mallory", "hash": chat.hash});
        let path = format!("/chat-server/user/Mallory/{leaf}");
        server
            .api()
            .post(&path, body)
            .await
            .fails_as(403, "wrong_name");
    }
}

#[tokio::test]
async fn what_a_message_says_of_its_session_has_to_agree_with_it() {
    let server = Server::start().await;
    let (chat, other) = (Chat::begin(&server).await, Chat::begin(&server).await);
    for (field, value) in [
        ("userHash", other.hash.as_str()),
        ("userHash", "no-such-chat"),
        ("senderName", "Anny"),
        ("senderName", "Mallory"),
        ("reciever", "Abhi"),
        ("reciever", "Mallory"),
    ] {
        let body = json!({"message": "x", field: value});
        chat.one
            .post("message_send", body)
            .await
            .fails_at(403, field);
    }
    let body = json!({"message": "x", "receiver": "Abhi"});
    chat.one.post("message_send", body).await.fails(403);
    let folded = json!({"message": "x", "senderName": " aBHI ", "receiver": "ANNY"});
    chat.one.post("message_send", folded).await.ok();
    assert_eq!(chat.two.texts().await, ["x"]);
}
