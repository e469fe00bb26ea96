//! Where several rows of the table apply, the first of the order wins: 405, 415, 413, 400, 401,
//! 410, 404, 403, 409, 422, 429, 503.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Api, Chat, POST, Server, Setup, chat::try_login, raw};

const TOO_LONG: usize = 64 * 1024 + 1;

/// Posts a body of any kind without a token.
async fn post(server: &Server, path: &str, kind: &str, body: String) -> Answer {
    server.api().call(POST, path).body(kind, body).send().await
}

#[tokio::test]
async fn the_method_comes_before_the_kind_the_length_the_content_and_the_token() {
    let server = Server::start().await;
    let path = "/chat-server/user/no-such-chat/message_send";
    let call = server
        .api()
        .call(Method::PUT, path)
        .body("text/plain", "x".repeat(TOO_LONG));
    call.send().await.fails(405);
    let kind = post(&server, path, "text/plain", "x".repeat(TOO_LONG)).await;
    kind.fails(415);
    let length = post(&server, path, "application/json", "x".repeat(TOO_LONG)).await;
    length.fails(413);
    let content = post(&server, path, "application/json", "x".into()).await;
    content.fails(400);
    let token = post(
        &server,
        path,
        "application/json",
        r#"{"message":"x"}"#.into(),
    )
    .await;
    token.fails(401);
}

#[tokio::test]
async fn the_method_comes_before_the_body_that_it_may_not_have() {
    let server = Server::start().await;
    for api in [server.front(), Api::h2c(server.address)] {
        for method in [Method::GET, Method::HEAD] {
            for path in [
                "/chat-server/register",
                "/chat-server/user/no-such-chat/message_send",
                "/demo/chat/preferences",
            ] {
                let call = api.call(method.clone(), path);
                let answer = call.body("application/json", "{}").send().await;
                assert_eq!(answer.status, 405, "{answer:?}");
                assert_eq!(answer.header("allow"), Some("POST"));
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_no_kind_is_415_whatever_its_length_and_whether_it_comes() {
    let impatient = Setup::new().set("limits.request_seconds", 1);
    let server = impatient.start().await;
    for (door, path) in [
        ("API", "/chat-server/register"),
        ("pages", "/demo/chat/register"),
    ] {
        for framing in [
            // More than is taken, and something that does not come.
            "Content-Length: 65537\r\n\r\n",
            "Content-Length: 1\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        ] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
                server.address
            );
            let answer = raw::exchange(server.address, (head + framing).as_bytes()).await;
            assert_eq!(answer.status, 415, "{door}: {framing:?}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_is_413_whatever_else_is_wrong_with_it() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let long = "x".repeat(16 * 1024 + 1);
    for wrong in [
        json!({}),
        json!({"timestamp": "yesterday"}),
        json!({"userHash": "?"}),
        json!({"userHash": 7, "senderName": [], "receiver": {}, "timestamp": 7}),
        json!({"id": 7}),
        json!({"id": "x"}),
        json!({"senderName": ""}),
        json!({"reciever": ""}),
        json!({"receiver": "\u{0}"}),
        json!({"reciever": "Anny", "receiver": "Abhi"}),
    ] {
        let mut body = wrong;
        body["message"] = Value::from(long.as_str());
        for api in [&server.api(), &chat.one.api] {
            let answer = api.post(&chat.path("message_send"), body.clone()).await;
            answer.fails_at(413, "message");
        }
    }
}

#[tokio::test]
async fn a_wrong_field_comes_before_the_session_and_the_chat() {
    let server = Server::start().await;
    let (chat, over) = (Chat::begin(&server).await, Chat::begin(&server).await);
    over.one.end().await.ok();
    for (leaf, body) in [
        ("message_send", json!({"message": " "})),
        ("message_send", json!({"message": "x", "id": 7})),
        ("message_send", json!({"message": "x", "senderName": 7})),
        ("receipt", json!({})),
        ("receipt", json!({"read": -1})),
        ("answer", json!({"allow": true})),
        ("sessions/end", json!({})),
    ] {
        for hash in [&chat.hash, &over.hash, "no-such-chat"] {
            let path = format!("/chat-server/user/{hash}/{leaf}");
            for api in [&server.api(), &chat.one.api, &over.one.api] {
                api.post(&path, body.clone()).await.fails(400);
            }
        }
    }
    for query in [
        "messages?after=x",
        "messages?after=1&before=2",
        "messages?limit=0",
        "stream?after=x",
    ] {
        for hash in [&chat.hash, &over.hash, "no-such-chat"] {
            let path = format!("/chat-server/user/{hash}/{query}");
            for api in [&server.api(), &chat.one.api, &over.one.api] {
                api.get(&path).await.fails(400);
            }
        }
    }
    for hash in [&chat.hash, &over.hash, "no-such-chat"] {
        try_login(&server.api(), hash, "Anny", json!({"returnCode": "x"}))
            .await
            .fails(400);
        let body = json!({"user": "a\nb", "hash": hash});
        server
            .api()
            .post("/chat-server/user2", body)
            .await
            .fails(400);
    }
}

#[tokio::test]
async fn a_missing_session_comes_before_everything_about_the_chat() {
    let server = Server::start().await;
    let (chat, over) = (Chat::begin(&server).await, Chat::begin(&server).await);
    over.one.end().await.ok();
    let tag = chat.one.token.split_once('.').unwrap().0;
    let guess = server.api().with(&format!("{tag}.{}", "A".repeat(43)));
    for hash in [&chat.hash, &over.hash, "no-such-chat"] {
        let path = format!("/chat-server/user/{hash}/messages");
        server.api().get(&path).await.fails(401);
        guess.get(&path).await.fails(401);
    }
    for hash in ["no-such-chat", "ab"] {
        let path = format!("/chat-server/user/{hash}/messages");
        server.api().get(&path).await.fails(401);
        for leaf in ["messages", "stream", "sessions"] {
            let path = format!("/demo/chat/user/{hash}/1/{leaf}");
            server.front().get(&path).await.fails(401);
        }
    }
}

#[tokio::test]
async fn an_end_comes_before_all_that_is_wrong_with_who_asks() {
    let server = Server::start().await;
    let (chat, over) = (Chat::begin(&server).await, Chat::begin(&server).await);
    over.one.end().await.ok();
    chat.one.api.get(&over.path("messages")).await.fails(410);
    // A token of a chat that ended is told from an unknown one, at whatever address it comes.
    over.one.api.get(&over.path("messages")).await.fails(410);
    over.one.api.get(&chat.path("messages")).await.fails(410);
    over.one
        .api
        .get("/chat-server/user/no-such-chat/messages")
        .await
        .fails(410);
    let code = json!({"returnCode": "0000-0000-0000-0000"});
    for name in ["Anny", "Mallory"] {
        try_login(&server.api(), &over.hash, name, code.clone())
            .await
            .fails(410);
    }
    let named = json!({"user": "Zoe", "hash": over.hash});
    server
        .api()
        .post("/chat-server/user2", named)
        .await
        .fails(410);
}

#[tokio::test]
async fn a_chat_that_does_not_exist_comes_before_a_token_of_another_one() {
    let server = Server::start().await;
    let (chat, other) = (Chat::begin(&server).await, Chat::begin(&server).await);
    chat.one
        .api
        .get("/chat-server/user/no-such-chat/messages")
        .await
        .fails(404);
    chat.one.api.get(&other.path("messages")).await.fails(403);
}

#[tokio::test]
async fn a_403_comes_before_a_409() {
    let server = Setup::new()
        .set("limits.messages_per_chat", 1)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    // The chat is full, and the names disagree.
    chat.one.say("first").await;
    let body = json!({"message": "second", "senderName": "Anny"});
    chat.one.post("message_send", body).await.fails(403);
    let body = json!({"message": "second", "userHash": "no-such-chat"});
    chat.one.post("message_send", body).await.fails(403);
    // The seat is taken, and the code is wrong.
    let code = json!({"returnCode": "0000-0000-0000-0000"});
    try_login(&server.api(), &chat.hash, "Anny", code)
        .await
        .fails_as(403, "wrong_code");
    // The seat has a stream, and its own owner would let somebody in.
    let mut stream = chat.two.listen().await;
    let ask = json!({"user": "Anny", "hash": chat.hash});
    server
        .api()
        .post("/chat-server/user/Anny/login/ask", ask)
        .await
        .ok();
    let asking = stream.next_with("seat", "state", "asking").await;
    let answer = json!({"ask": asking.data["ask"], "allow": true});
    chat.two
        .post("answer", answer)
        .await
        .fails_as(403, "own_seat");
}

#[tokio::test]
async fn a_full_chat_comes_before_an_id_that_was_used() {
    let server = Setup::new()
        .set("limits.messages_per_chat", 1)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let id = Uuid::new_v4();
    chat.one.say_as(id, "first").await.ok();
    chat.one
        .say_as(id, "other")
        .await
        .fails_as(409, "chat_full");
    // The first one again stores nothing, so there is room for it.
    assert_eq!(chat.one.say_as(id, "first").await.ok()["seq"], 1);
}

/// The rate is asked ahead of the store, which it protects: what only the store could have said is
/// not known then.
#[tokio::test]
async fn the_rate_of_sends_is_checked_after_everything_that_needs_no_store() {
    let slow = Setup::new().set("limits.sends_per_seat_per_second", 1);
    let slow = slow.set("limits.sends_per_seat_burst", 1);
    let server = slow.start().await;
    let chat = Chat::begin(&server).await;
    // All at once, so that the rate would allow one of them at most.
    let many = |body: Value| {
        let chat = &chat;
        join_all((0..10).map(move |_| chat.one.post("message_send", body.clone())))
    };
    for answer in many(json!({"message": ""})).await {
        answer.fails(400);
    }
    for answer in many(json!({"message": "x", "senderName": "Anny"})).await {
        answer.fails(403);
    }
    let too_fast = many(json!({"message": "x"})).await;
    assert!(too_fast.iter().any(|answer| answer.status == 429));
}
