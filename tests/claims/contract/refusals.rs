//! 401, 410, 404 and 403: what is wrong with who asks for what, on every path where it can be.

use serde_json::json;

use super::paths::{PATHS, Path, Place, Proof};
use crate::support::{Chat, Server, raw, store};

/// A token of the right form that nobody was ever given.
const STRANGER: &str = "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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
    let before = store::rows(&server.database());
    for path in Path::wanting(&[Proof::Session]) {
        for answer in path.answers(&own.one.api, Place::at(&other.hash)).await {
            answer.fails_as(403, "other_chat");
        }
    }
    assert_eq!(store::rows(&server.database()), before);
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
