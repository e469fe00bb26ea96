//! What operators see, and which routes and services an instance opens.

use reqwest::Method;
use serde_json::json;

use crate::support::{Api, Chat, POST, Server, Setup, Stream, eventually, raw, store};

#[tokio::test]
async fn health_says_that_it_lives_and_that_it_is_ready() {
    let server = Server::start().await;
    for path in ["/health/live", "/health/ready"] {
        let answer = server.ops().get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // Looking changes nothing, so a balancer may ask by HEAD as well as by GET.
    let head = server
        .ops()
        .call(Method::HEAD, "/health/ready")
        .send()
        .await;
    assert!(matches!(head.status, 200 | 405), "{head:?}");
}

#[tokio::test]
async fn a_store_that_only_cannot_write_at_this_moment_is_no_reason_to_restart() {
    let server = Server::start().await;
    let held = store::hold_writers(&server.database());
    assert_eq!(server.ops().get("/health/live").await.status, 200);
    eventually("it is not ready", async || {
        let ready = server.ops().get("/health/ready").await;
        (ready.status == 503).then(|| assert_eq!(ready.json()["reason"], "store"))
    })
    .await;
    drop(held);
    eventually("it is ready again", async || {
        (server.ops().get("/health/ready").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_instance_on_its_way_out_is_not_ready() {
    let server = Setup::new()
        .set("server.ops_bind", "127.0.0.1:0")
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    // A request that is not finished keeps the instance for a while.
    let mut socket = raw::connect(server.address).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{",
        chat.path("message_send"),
        chat.one.token,
    );
    tokio::io::AsyncWriteExt::write_all(&mut socket, head.as_bytes())
        .await
        .unwrap();
    let ops = server.ops();
    assert_eq!(ops.get("/health/ready").await.status, 200);
    server.ask_to_stop();
    eventually("it is not ready any more, or gone", async || {
        let answer = ops.call(Method::GET, "/health/ready").try_send().await;
        match answer {
            Some(answer) if answer.status == 200 => None,
            Some(answer) => {
                assert_eq!(answer.status, 503, "{answer:?}");
                assert!(answer.text().contains("draining"), "{answer:?}");
                Some(())
            }
            None => Some(()),
        }
    })
    .await;
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    for number in 0..5 {
        chat.one.say(&number.to_string()).await;
    }
    stream.next_texts(5).await;
    chat.two.listen_after(2).await.next_texts(3).await;
    chat.one
        .post("message_send", json!({"message": ""}))
        .await
        .fails(400);
    server.api().get(&chat.path("messages")).await.fails(401);
    // Not even a request.
    let nonsense = raw::exchange(server.address, b"GET / HTTP/1.1\r\nno header\r\n\r\n");
    assert_eq!(nonsense.await.status, 400);

    assert_eq!(server.metric("duet_pairs").await, 1.0);
    assert!(server.metric("duet_streams").await >= 1.0);
    assert_eq!(server.metric("duet_messages_accepted_total").await, 5.0);
    assert!(server.metric("duet_messages_delivered_total").await >= 5.0);
    assert_eq!(server.metric("duet_messages_replayed_total").await, 3.0);
    assert_eq!(server.metric("duet_http_rejected_total").await, 3.0);
    assert!(server.metric("duet_journal_commit_seconds_count").await >= 1.0);
    assert_eq!(server.metric("duet_journal_batch_messages_sum").await, 5.0);
    assert_eq!(server.metric("duet_journal_queue_messages").await, 0.0);
    assert_eq!(server.metric("duet_pair_restarts_total").await, 0.0);
    assert!(server.metric("duet_http_request_seconds_count").await >= 10.0);
    eventually("the living chats are counted", async || {
        (server.metric("duet_chats_live").await == 1.0).then_some(())
    })
    .await;
    chat.one.end().await.ok();
    eventually("the chat is counted out", async || {
        let live = server.metric("duet_chats_live").await;
        let pairs = server.metric("duet_pairs").await;
        (live == 0.0 && pairs == 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn metrics_are_by_template_and_not_by_address() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("x").await;
    for number in 0..50 {
        server.api().get(&format!("/nothing/{number}")).await;
        server
            .front()
            .get(&format!("/demo/chat/user/no-such-chat-{number}"))
            .await;
        server
            .api()
            .call("BREW".parse().unwrap(), &format!("/pot/{number}"))
            .send()
            .await;
    }
    let text = server.ops().get("/metrics").await;
    let series = text
        .text()
        .lines()
        .filter(|line| line.starts_with("duet_http_request_seconds_count"));
    assert!(series.count() < 20, "{text:?}");
    assert!(text.text().contains("message_send"));
    assert!(!text.text().contains("no-such-chat"));
}

/// Which routes an address serves: pages, API, operations.
async fn served(api: &Api) -> [bool; 3] {
    let mut open = [false; 3];
    for (number, path) in [
        "/demo/chat/register",
        "/chat-server/openapi.json",
        "/metrics",
    ]
    .into_iter()
    .enumerate()
    {
        let status = api.get(path).await.status;
        assert!(matches!(status, 200 | 404), "{path}: {status}");
        open[number] = status == 200;
    }
    open
}

#[tokio::test]
async fn every_door_may_have_an_address_of_its_own() {
    let server = Server::start().await;
    assert_eq!(served(&server.front()).await, [true, true, true]);

    let server = Setup::new()
        .set("server.api_bind", "127.0.0.1:0")
        .set("server.ops_bind", "127.0.0.1:0")
        .start()
        .await;
    assert_eq!(served(&server.front()).await, [true, false, false]);
    assert_eq!(served(&server.api()).await, [false, true, false]);
    assert_eq!(served(&server.ops()).await, [false, false, true]);
    // All of them reach the same chats.
    let chat = Chat::begin(&server).await;
    let made = server
        .api()
        .post("/chat-server/user1", json!({"user": "Abhi"}))
        .await
        .ok();
    let url = made["url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!("http://{}/demo/chat/user/", server.address)),
        "{url}"
    );
    server
        .front()
        .with(&chat.one.token)
        .get(&chat.path("messages"))
        .await
        .fails(404);
    // Health is behind each of them: who checks an instance asks where it is used.
    for path in ["/health/live", "/health/ready"] {
        for api in [server.front(), server.api(), server.ops()] {
            assert_eq!(api.get(path).await.status, 200);
        }
    }
}

#[tokio::test]
async fn registration_and_chat_may_be_two_services() {
    let registration = Setup::new()
        .set("server.role", "registration")
        .start()
        .await;
    let api = registration.api();
    let made = api
        .post("/chat-server/user1", json!({"user": "Abhi"}))
        .await
        .ok();
    let hash = made["hash"].as_str().unwrap().to_owned();
    let named = json!({"user": "Anny", "hash": hash});
    api.post("/chat-server/user2", named).await.ok();
    api.post("/chat-server/hash", json!({})).await.ok();
    api.post(
        "/chat-server/register",
        json!({"userOne": "A", "userTwo": "B"}),
    )
    .await
    .ok();
    assert_eq!(api.get("/").await.status, 303);
    assert_eq!(api.get("/demo/chat/register").await.status, 200);
    let login = json!({"user": "Abhi", "hash": hash});
    let elsewhere = api.post("/chat-server/user/Abhi/login", login.clone());
    let elsewhere = elsewhere.await.fails_as(404, "other_service");
    let message = elsewhere["message"].as_str().unwrap();
    assert!(message.contains("\"chat\""), "{message}");
    for path in ["/chat-server/user/logout", "/chat-server/user/x/messages"] {
        api.get(path).await.fails(404);
    }
    assert_eq!(
        api.get(&format!("/demo/chat/user/{hash}")).await.status,
        404
    );
    common(&api).await;

    // The other service, on the same file.
    let setup = registration.setup().set("server.role", "chat");
    drop(registration);
    let chat = setup.start().await;
    let api = chat.api();
    for path in ["hash", "register", "user1", "user2"] {
        let body = json!({"user": "A", "userOne": "A", "userTwo": "B", "hash": hash});
        api.post(&format!("/chat-server/{path}"), body)
            .await
            .fails_as(404, "other_service");
    }
    for path in ["/", "/demo/chat/register"] {
        assert_eq!(api.get(path).await.status, 404, "{path}");
    }
    // A script of the page asks for this.
    let reserved = api.post("/demo/chat/register/hash", json!({})).await;
    reserved.fails_as(404, "other_service");
    let login = api.post("/chat-server/user/Abhi/login", login).await.ok();
    let abhi = api.with(login["token"].as_str().unwrap());
    let stream = abhi.call(Method::GET, &format!("/chat-server/user/{hash}/stream"));
    Stream::open(stream).await.next_of("hello").await;
    assert_eq!(
        api.get(&format!("/demo/chat/user/{hash}")).await.status,
        200
    );
    common(&api).await;
}

/// What is on every role.
async fn common(api: &Api) {
    for path in [
        "/health/live",
        "/health/ready",
        "/metrics",
        "/chat-server/openapi.json",
    ] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    assert!(matches!(
        api.get("/chat-server/docs").await.status,
        200 | 303
    ));
}

#[tokio::test]
async fn the_page_to_try_the_api_on_needs_no_other_site() {
    let server = Server::start().await;
    let api = server.api();
    let mut page = api.get("/chat-server/docs").await;
    if page.status != 200 {
        page = api.get(page.header("location").unwrap()).await;
    }
    assert_eq!(page.status, 200, "{page:?}");
    assert!(
        !page.text().contains("https://") && !page.text().contains("//cdn"),
        "{page:?}"
    );
    for part in page
        .text()
        .split('"')
        .filter(|part| part.ends_with(".js") || part.ends_with(".css"))
    {
        let path = part.trim_start_matches("./");
        let path = path.trim_start_matches("/chat-server/docs/");
        let asset = api.get(&format!("/chat-server/docs/{path}")).await;
        assert_eq!(asset.status, 200, "{asset:?}");
    }
    let served = api.get("/chat-server/openapi.json").await;
    let printed = server.setup().arg("openapi").run();
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(served.json(), printed);
    api.call(POST, "/chat-server/openapi.json")
        .send()
        .await
        .fails(405);
}
