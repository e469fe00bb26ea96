//! Every limit: what comes past it is a clear error that says when to come back.

mod addresses;
mod answers;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Api, Browser, Chat, Person, Server, Setup, chat::register, chat::try_login, eventually,
};

#[tokio::test]
async fn tries_to_log_in_are_counted_by_chat() {
    let server = Setup::new()
        .set("limits.logins_per_chat_per_minute", 4)
        .start()
        .await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let other = Chat::begin(&server).await;
    let guess = json!({"returnCode": "0000-0000-0000-0000"});
    // Two were used to sit down. Asking and guessing count alike.
    let ask = json!({"user": "Anny", "hash": chat.hash});
    api.post("/chat-server/user/Anny/login/ask", ask.clone())
        .await
        .ok();
    try_login(&api, &chat.hash, "Anny", guess.clone())
        .await
        .fails(403);
    try_login(&api, &chat.hash, "Anny", guess.clone())
        .await
        .fails_as(429, "too_many_requests");
    api.post("/chat-server/user/Anny/login/ask", ask)
        .await
        .fails_as(429, "too_many_requests");
    // Who guesses on learns nothing, not even whether a guess was right.
    let right = json!({"returnCode": chat.two.return_code});
    try_login(&api, &chat.hash, "Anny", right)
        .await
        .fails_as(429, "too_many_requests");
    // Who is inside notices nothing, and no other chat does.
    chat.one.say("Hello").await;
    try_login(&api, &other.hash, "Anny", guess).await.fails(403);
    // The page tells it in its own words.
    let page = Browser::new(&server).log_in(&chat.hash, "Anny").await;
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn registrations_are_counted_by_address() {
    let setup = Setup::new().set("limits.registrations_per_address_per_minute", 3);
    let server = setup.no_exemptions().start().await;
    let api = server.api();
    let names = json!({"userOne": "Abhi", "userTwo": "Anny"});
    // One that is not even understood does not count.
    api.post("/chat-server/register", json!({"userOne": "Abhi"}))
        .await
        .fails(400);
    api.post("/chat-server/register", names.clone()).await.ok();
    api.post("/chat-server/user1", json!({"user": "Abhi"}))
        .await
        .ok();
    api.post("/chat-server/hash", json!({})).await.ok();
    api.post("/chat-server/register", names)
        .await
        .fails_as(429, "too_many_requests");
    api.post("/chat-server/user1", json!({"user": "Abhi"}))
        .await
        .fails(429);
    api.post("/chat-server/hash", json!({})).await.fails(429);
    let form = [("userOne", "Abhi"), ("userTwo", "Anny")];
    let page = Browser::new(&server)
        .submit("/demo/chat/register", &form)
        .await;
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn a_page_about_a_message_that_was_one_too_many_says_when_to_come_back() {
    let server = Setup::new()
        .set("limits.sends_per_seat_per_second", 1)
        .set("limits.sends_per_seat_burst", 1)
        .start()
        .await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let send = format!("/demo/chat/user/{hash}/1/message_send");
    // A second one within the same second, however slow this machine is.
    for _ in 0..1_000 {
        let page = browser.submit(&send, &[("message", "Hello")]).await;
        if page.status == 429 {
            assert_eq!(page.header("retry-after"), Some("1"));
            return;
        }
        assert_eq!(page.status, 303, "{page:?}");
    }
    panic!("no message was one too many");
}

#[tokio::test]
async fn a_chat_whose_hash_was_reserved_first_counts_once() {
    let setup = Setup::new().set("limits.registrations_per_address_per_minute", 3);
    let server = setup.no_exemptions().start().await;
    let (api, front) = (server.api(), server.front());
    let origin = format!("http://{}", server.address);
    let reserve = || async { api.post("/chat-server/hash", json!({})).await };
    for step in ["register", "user1"] {
        let hash = reserve().await.ok()["hash"].clone();
        let names = json!({"userOne": "Abhi", "user": "Abhi", "userTwo": "Anny", "hash": hash});
        let path = format!("/chat-server/{step}");
        api.post(&path, names.clone()).await.ok();
        // One hash makes one chat.
        api.post(&path, names).await.fails_as(409, "hash_taken");
    }
    let call = front.call(Method::POST, "/demo/chat/register/hash");
    let call = call.header("Origin", &origin).json(json!({}));
    let hash = call.send().await.ok()["hash"].clone();
    let auth = "A".repeat(43);
    let form = [
        ("userOne", "Abhi"),
        ("hash", hash.as_str().unwrap()),
        ("encryption", "v1"),
        ("auth", &auth),
    ];
    let mut browser = Browser::new(&server);
    let page = browser.submit("/demo/chat/register", &form).await;
    assert_eq!(page.status, 303, "{page:?}");
    reserve().await.fails_as(429, "too_many_requests");
    // A hash of one's own was counted nowhere.
    let own = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "2".repeat(22)});
    let answer = api.post("/chat-server/register", own).await;
    answer.fails_as(429, "too_many_requests");
}

#[tokio::test]
async fn requests_are_counted_by_address() {
    let server = Setup::new()
        .set("limits.requests_per_address_per_second", 1)
        .set("limits.requests_per_address_burst", 10)
        .no_exemptions()
        .start()
        .await;
    let hash = register(&server.api()).await;
    let many = (0..30).map(|_| {
        let api = server.api();
        let hash = hash.clone();
        async move { try_login(&api, &hash, "Mallory", json!({})).await }
    });
    let answers = join_all(many).await;
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 429)
        .collect();
    assert!(refused.len() >= 10, "{}", refused.len());
    for answer in refused {
        answer.fails_as(429, "too_many_requests");
    }
    eventually("the next second has come", async || {
        (try_login(&server.api(), &hash, "Abhi", json!({}))
            .await
            .status
            == 200)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn this_machine_is_exempt_unless_the_settings_say_otherwise() {
    let server = Setup::new()
        .set("limits.requests_per_address_per_second", 1)
        .set("limits.requests_per_address_burst", 1)
        .set("limits.registrations_per_address_per_minute", 1)
        .start()
        .await;
    for _ in 0..5 {
        register(&server.api()).await;
    }
}

/// Reserves a hash as if a balancer had brought the request.
async fn reserve(api: &Api, forwarded_for: &str) -> u16 {
    let call = api.call(Method::POST, "/chat-server/hash");
    call.header("X-Forwarded-For", forwarded_for)
        .json(json!({}))
        .send()
        .await
        .status
}

#[tokio::test]
async fn nobody_but_a_trusted_proxy_says_where_a_request_comes_from() {
    let setup = Setup::new().set("limits.registrations_per_address_per_minute", 2);
    let server = setup.clone().no_exemptions().start().await;
    let api = server.api();
    assert_eq!(reserve(&api, "192.0.2.1").await, 200);
    assert_eq!(reserve(&api, "192.0.2.2").await, 200);
    assert_eq!(reserve(&api, "192.0.2.3").await, 429);

    let server = setup.set("server.trusted_proxies", "127.0.0.1/32,10.0.0.0/8");
    let server = server.no_exemptions().start().await;
    let api = server.api();
    for address in ["192.0.2.1", "192.0.2.2", "2001:db8:1::1"] {
        assert_eq!(reserve(&api, address).await, 200);
        assert_eq!(reserve(&api, address).await, 200);
        assert_eq!(reserve(&api, address).await, 429, "{address}");
        // What stands before the last address that is no proxy's was written by anybody.
        let spoofed = format!("198.51.100.7, {address}");
        assert_eq!(reserve(&api, &spoofed).await, 429, "{spoofed}");
        let twice = format!("198.51.100.8, {address}, 10.1.2.3");
        assert_eq!(reserve(&api, &twice).await, 429, "{twice}");
    }
    // With a port, as some proxies write it.
    assert_eq!(reserve(&api, "192.0.2.1:1234").await, 429);
    assert_eq!(reserve(&api, "[2001:db8:1::1]:1234").await, 429);
    assert_eq!(reserve(&api, "[2001:db8:1::1]").await, 429);
    assert_eq!(reserve(&api, "::ffff:192.0.2.1").await, 429);
    // What stands before something that is no address does not count.
    for _ in 0..2 {
        assert_eq!(reserve(&api, "198.51.100.1, unknown").await, 200);
    }
    assert_eq!(reserve(&api, "198.51.100.2, unknown").await, 429);
    assert_eq!(reserve(&api, "198.51.100.3, ").await, 429);
    // One person has a whole network of IPv6 addresses.
    assert_eq!(reserve(&api, "2001:db8:1::ffff").await, 429);
    assert_eq!(reserve(&api, "2001:db8:1:1::1").await, 200);
}

#[tokio::test]
async fn sends_are_counted_by_seat() {
    let server = Setup::new()
        .set("limits.sends_per_seat_per_second", 1)
        .set("limits.sends_per_seat_burst", 5)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let sends = join_all((0..30).map(|_| chat.one.say_as(uuid::Uuid::new_v4(), "fast"))).await;
    let refused = sends.iter().filter(|answer| answer.status == 429);
    assert!(refused.count() >= 10);
    for answer in sends.iter().filter(|answer| answer.status != 200) {
        answer.fails_as(429, "too_many_requests");
    }
    chat.two.say("the other seat is free").await;
    eventually("the next second has come", async || {
        (chat.one.say_as(uuid::Uuid::new_v4(), "slow").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn streams_are_counted_by_seat_while_they_are_open() {
    let server = Setup::new().set("limits.streams_per_seat", 2).start().await;
    let chat = Chat::begin(&server).await;
    let open = |person: &Person| person.api.call(Method::GET, &person.path("stream"));
    let mut first = chat.one.listen().await;
    let mut second = chat.one.listen().await;
    first.next_of("hello").await;
    second.next_of("hello").await;
    server.streams_become(2.0).await;
    open(&chat.one)
        .send()
        .await
        .fails_as(429, "too_many_requests");
    chat.two.listen().await.next_of("hello").await;
    drop(first);
    eventually("there is room again", async || {
        (open(&chat.one).open().await.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn streams_are_counted_on_the_whole_instance() {
    let server = Setup::new()
        .set("limits.streams_per_instance", 3)
        .start()
        .await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let chat = Chat::begin(&server).await;
        let mut stream = chat.one.listen().await;
        stream.next_of("hello").await;
        open.push(stream);
    }
    server.streams_become(3.0).await;
    let chat = Chat::begin(&server).await;
    let one_more = chat
        .one
        .api
        .call(Method::GET, &chat.path("stream"))
        .send()
        .await;
    one_more.fails_as(429, "too_many_requests");
    chat.one.say("Talking goes on.").await;
}

#[tokio::test]
async fn a_chat_that_is_full_says_so_and_can_still_be_read() {
    let server = Setup::new()
        .set("limits.messages_per_chat", 3)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    for text in ["a", "b", "c"] {
        chat.one.say(text).await;
    }
    for person in [&chat.one, &chat.two] {
        let full = person.post("message_send", json!({"message": "d"})).await;
        full.fails_as(409, "chat_full");
    }
    assert_eq!(chat.two.texts().await, ["a", "b", "c"]);
    Chat::begin(&server)
        .await
        .one
        .say("Another one is not.")
        .await;
}

#[tokio::test]
async fn chats_in_memory_have_a_bound() {
    let server = Setup::new()
        .set("limits.chats_per_instance", 2)
        .start()
        .await;
    let (first, second) = (Chat::begin(&server).await, Chat::begin(&server).await);
    let _open = (first.one.listen().await, second.one.listen().await);
    let hash = register(&server.api()).await;
    try_login(&server.api(), &hash, "Abhi", json!({}))
        .await
        .fails(503);
    first.one.say("Those that are there go on.").await;
}

#[tokio::test]
async fn a_chat_that_is_full_of_text_says_so_and_can_still_be_read() {
    let server = Setup::new().set("limits.bytes_per_chat", 10).start().await;
    let chat = Chat::begin(&server).await;
    // Bytes of UTF-8 count, and the last message may be of any length.
    for text in ["éééé", "and one more"] {
        chat.one.say(text).await;
    }
    for person in [&chat.one, &chat.two] {
        let full = person.post("message_send", json!({"message": "d"})).await;
        full.fails_as(409, "chat_full");
    }
    assert_eq!(chat.two.texts().await, ["éééé", "and one more"]);
    Chat::begin(&server)
        .await
        .two
        .say("Another one is not.")
        .await;
}

#[tokio::test]
async fn below_the_floor_of_free_disk_nothing_grows_and_everything_can_be_read_and_ended() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Hello").await;
    let low = server.setup().set("limits.free_disk_mib_min", u32::MAX);
    drop(server);
    let server = low.start().await;
    let chat = chat.moved_to(&server);
    let send = chat.one.post("message_send", json!({"message": "no room"}));
    let refused = send.await;
    refused.fails_as(503, "storage_full");
    assert!(refused.headers.contains_key("retry-after"));
    let (api, names) = (server.api(), json!({"userOne": "Abhi", "userTwo": "Anny"}));
    let register = api.post("/chat-server/register", names);
    register.await.fails_as(503, "storage_full");
    assert_eq!(chat.two.texts().await, ["Hello"]);
    chat.two
        .post("receipt", json!({"delivered": 1, "read": 1}))
        .await
        .ok();
    chat.one.log_out().await.ok();
    chat.two.end().await.ok();
    chat.two.get("messages").await.fails_as(410, "chat_ended");
}
