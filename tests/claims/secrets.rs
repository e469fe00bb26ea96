//! What must stand in no log and no metric, and what the store must not know.

use harness::servers::{Postgres, Redis};
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Browser, Chat, POST, Person, Secrets, Server, Setup, chat::try_login, raw, secrets::FILTER,
    store,
};

/// Everything two people and a stranger do, good and bad, by the API and the pages.
async fn a_whole_life(server: &Server) -> Secrets {
    let api = server.api();
    let mut secrets = Secrets::default();
    for name in [
        "Ottilie-Quill",
        "Bartholomew-Wren",
        "Mallory-Stranger",
        "Zeno-Latecomer",
    ] {
        secrets.add("a name", name);
    }
    secrets.add("a hash", "own-secret-hash");
    let names = json!({"userOne": "Ottilie-Quill", "userTwo": "Bartholomew-Wren",
        "hash": "own-secret-hash", "id": "11111111-2222-4333-8444-555555555555"});
    secrets.add(
        "a registration's id",
        "11111111-2222-4333-8444-555555555555",
    );
    api.post("/chat-server/register", names.clone()).await.ok();
    api.post("/chat-server/register", names).await.ok();
    let reserved = api.post("/chat-server/hash", json!({})).await.ok();
    secrets.add("a reserved hash", reserved["hash"].as_str().unwrap());
    let made = api
        .post("/chat-server/user1", json!({"user": "Zeno-Latecomer"}))
        .await
        .ok();
    secrets.add("a hash", made["hash"].as_str().unwrap());

    let one = Person::log_in(&api, "own-secret-hash", "Ottilie-Quill").await;
    let two = Person::log_in(&api, "own-secret-hash", "Bartholomew-Wren").await;
    for person in [&one, &two] {
        secrets.add_token("a token", &person.token);
        secrets.add_code("a return code", person.return_code.as_ref().unwrap());
    }
    let device = one.post("device", json!({})).await.ok();
    secrets.add_code("a device code", device["deviceCode"].as_str().unwrap());
    let fresh = one.post("return_code", json!({})).await.ok();
    secrets.add_code("a new return code", fresh["returnCode"].as_str().unwrap());

    let mut stream = one.listen().await;
    stream.next_of("hello").await;
    secrets.add("a text", "a-most-private-text");
    let said = json!({"message": "a-most-private-text", "senderName": "Bartholomew-Wren",
        "reciever": "Ottilie-Quill", "userHash": "own-secret-hash"});
    two.post("message_send", said).await.ok();
    stream.next_of("message").await;
    one.post("receipt", json!({"read": 1})).await.ok();
    one.post("typing", json!({})).await.ok();
    one.listen_after(0).await.next_of("message").await;

    let ask = json!({"user": "Bartholomew-Wren", "hash": "own-secret-hash"});
    let ask = api
        .post("/chat-server/user/Bartholomew-Wren/login/ask", ask)
        .await
        .ok();
    let ask_id = ask["askId"].as_str().unwrap();
    secrets.add_token("a wish to be let in", ask_id);
    api.get(&format!(
        "/chat-server/user/Bartholomew-Wren/login/ask/{ask_id}"
    ))
    .await
    .ok();
    let word = stream.next_with("seat", "state", "asking").await.data["ask"].clone();
    one.post("answer", json!({"ask": word, "allow": true}))
        .await
        .ok();
    let login = json!({"askId": ask_id});
    let two = Person::log_in_by(&api, "own-secret-hash", "Bartholomew-Wren", login).await;
    secrets.add_token("a token", &two.token);

    bad_input(server, &one, &mut secrets).await;
    pages(server, &mut secrets).await;
    two.log_out().await.ok();
    one.end().await.ok();
    one.get("messages").await.fails(410);
    stream.rest().await;
    secrets
}

/// What comes in wrong is nobody's business either.
async fn bad_input(server: &Server, one: &Person, secrets: &mut Secrets) {
    let api = server.api();
    let guess = "7K2M-Q9XW-4R8T-B3ZH";
    secrets.add_code("a guessed code", guess);
    let proof = json!({ "returnCode": guess });
    try_login(&api, "own-secret-hash", "Bartholomew-Wren", proof)
        .await
        .fails(403);
    try_login(&api, "own-secret-hash", "Mallory-Stranger", json!({}))
        .await
        .fails(403);
    secrets.add("a malformed text", "half-of-a-private");
    let call = one.api.call(POST, &one.path("message_send"));
    let half = "{\"message\":\"half-of-a-private";
    call.body("application/json", half).send().await.fails(400);
    for body in [
        json!({"message": {"half-of-a-private": 1}}),
        json!({"message": "half-of-a-private", "id": "half-of-a-private"}),
        json!({"message": "half-of-a-private", "timestamp": "half-of-a-private"}),
        json!({"half-of-a-private": 1}),
    ] {
        one.post("message_send", body).await.fails(400);
    }
    let other = json!({"message": "half-of-a-private", "senderName": "Mallory-Stranger"});
    one.post("message_send", other).await.fails(403);
    secrets.add("a hash that is none", "a-guessed-secret-hash");
    one.api
        .get("/chat-server/user/a-guessed-secret-hash/messages")
        .await
        .fails(404);
    for path in [
        "/chat-server/nothing/a-guessed-secret-hash",
        "/demo/chat/user/a-guessed-secret-hash",
        "/demo/chat/user/a-guessed-secret-hash/1",
        "/demo/chat/user/own-secret-hash/3/nothing",
        "/a-guessed-secret-hash?own-secret-hash",
        "/chat-server/user/own-secret-hash/messages?after=a-guessed-secret-hash",
        "/chat-server/user/own-secret-hash/messages?limit=1&limit=2",
        "/demo/chat/user/own-secret-hash/1/stream?after=1&after=2",
    ] {
        let answer = server.front().get(path).await;
        assert!(answer.status >= 400, "{answer:?}");
    }
    secrets.add("a bad token", "not-a-token-at-all");
    api.with("not-a-token-at-all")
        .get(&one.path("messages"))
        .await
        .fails(401);
    // What is not even HTTP.
    for request in [
        "GET /demo/chat/user/own-secret-hash HTTP/9.9\r\n\r\n",
        "GET /demo/chat/user/own-secret-hash\r\n\r\n",
        "GET /chat-server/user/own-secret-hash/messages HTTP/1.1\r\nHost: x\r\n\
         Authorization : Bearer not-a-token-at-all\r\nConnection: close\r\n\r\n",
        "POST /demo/chat/user/own-secret-hash/login HTTP/1.1\r\nHost: x\r\n\
         Content-Length: -5\r\nConnection: close\r\n\r\nuser=Mallory-Stranger",
    ] {
        let mut socket = raw::connect(server.address).await;
        let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut socket).await;
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut answer);
        let _ = tokio::time::timeout(crate::support::DEADLINE, read)
            .await
            .unwrap();
    }
}

/// The same by pages.
async fn pages(server: &Server, secrets: &mut Secrets) {
    let mut browser = Browser::new(server);
    let names = [
        ("userOne", "Ottilie-Quill"),
        ("userTwo", "Bartholomew-Wren"),
    ];
    let made = browser.submit("/demo/chat/register", &names).await;
    let next = crate::support::browser::leads_to(&made);
    let hash = next.split('/').nth(4).unwrap().to_owned();
    secrets.add("a hash", &hash);
    browser.get(&next).await;
    browser.log_in(&hash, "Bartholomew-Wren").await;
    browser.log_in(&hash, "Mallory-Stranger").await;
    let seat = format!("/demo/chat/user/{hash}/1");
    browser
        .submit(
            &format!("{seat}/message_send"),
            &[("message", "a-most-private-text")],
        )
        .await;
    browser.get(&seat).await;
    for leaf in ["device", "return_code", "logout"] {
        browser.submit(&format!("{seat}/{leaf}"), &[]).await;
    }
    let evil = browser.call(Method::POST, &format!("{seat}/endchat"));
    let evil = evil.header("Origin", "https://evil.example").send().await;
    assert_eq!(evil.status, 403);
    for cookie in browser.jar.iter().filter(|cookie| cookie.name == "duet") {
        secrets.add_token("a cookie", &cookie.value);
    }
}

#[tokio::test]
async fn no_log_line_and_no_metric_gives_anything_away() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let cluster = Setup::new()
        .set("store.url", postgres.url())
        .set("bus.url", redis.url());
    for (format, setup) in [
        ("text", Setup::new()),
        ("json", Setup::new()),
        ("json", cluster),
    ] {
        let setup = setup.set("log.filter", FILTER).set("log.format", format);
        let mut server = setup.start().await;
        let secrets = a_whole_life(&server).await;
        let metrics = server.ops().get("/metrics").await;
        secrets.assert_not_in("the metrics", metrics.text());
        assert!(server.terminate().await.success());
        let log = server.log();
        assert!(log.lines().count() > 50, "nothing was logged: {log}");
        secrets.assert_not_in("the log", &log);
        if format == "json" {
            let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
            assert!(log.lines().all(is_json), "{log}");
        }
        secrets.assert_not_in("what it printed", &server.said().join("\n"));
    }
}

#[tokio::test]
async fn the_store_does_not_know_what_lets_somebody_in() {
    let server = Server::start().await;
    let api = server.api();
    let mut secrets = Secrets::default();
    secrets.add("a hash", "own-secret-hash");
    let id = "11111111-2222-4333-8444-555555555555";
    secrets.add("a registration's id", id);
    let names = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "own-secret-hash", "id": id});
    api.post("/chat-server/register", names).await.ok();
    let one = Person::log_in(&api, "own-secret-hash", "Abhi").await;
    let device = one.post("device", json!({})).await.ok();
    secrets.add_code("a device code", device["deviceCode"].as_str().unwrap());
    secrets.add_code("a return code", one.return_code.as_ref().unwrap());
    secrets.add_token("a token", &one.token);
    let chat = Chat::begin(&server).await;
    secrets.add("a hash", &chat.hash);
    let ask = json!({"user": "Anny", "hash": chat.hash});
    let ask = api.post("/chat-server/user/Anny/login/ask", ask).await.ok();
    secrets.add_token("a wish to be let in", ask["askId"].as_str().unwrap());
    let reserved = api.post("/chat-server/hash", json!({})).await.ok();
    secrets.add("a reserved hash", reserved["hash"].as_str().unwrap());
    one.say("the-text-is-there").await;

    let files = store::files(&server.folder().join("data"));
    let is_there = |bytes: &[u8]| files.iter().any(|(_, file)| store::holds(file, bytes));
    // This looks in the right place.
    assert!(is_there(b"the-text-is-there"));
    for (path, bytes) in &files {
        secrets.assert_not_in_bytes(&path.display().to_string(), bytes);
    }
    let id: uuid::Uuid = id.parse().unwrap();
    assert!(!is_there(id.as_bytes()), "a registration's id in binary");
}
