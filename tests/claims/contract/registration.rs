//! Making chats: `hash`, `register`, `user1`, `user2`.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::support::{Chat, Person, Server, Setup, chat::try_login, store};

const MADE: [&str; 3] = ["hash", "url", "expiresAt"];

/// Whether a text is a time as the server writes it: UTC, to the millisecond.
pub fn moment(value: &Value) -> OffsetDateTime {
    let text = value.as_str().unwrap();
    assert!(
        text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.',
        "{text}"
    );
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

fn is_base58(hash: &str) -> bool {
    hash.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte))
}

#[tokio::test]
async fn a_chat_is_made_with_a_fresh_hash_a_link_and_an_end() {
    let server = Server::start().await;
    let body = json!({"userOne": "Abhi", "userTwo": "Anny"});
    let made = server
        .api()
        .post("/chat-server/register", body)
        .await
        .ok_with(&MADE);
    let hash = made["hash"].as_str().unwrap();
    assert!(hash.len() == 22 && is_base58(hash), "{hash}");
    assert_eq!(
        made["url"],
        format!("http://{}/demo/chat/user/{hash}", server.address)
    );
    let lasts = moment(&made["expiresAt"]) - OffsetDateTime::now_utc();
    assert!(
        lasts <= Duration::hours(168) && lasts > Duration::hours(167),
        "{lasts}"
    );
}

#[tokio::test]
async fn a_bare_body_is_taken_like_a_wrapped_one() {
    let server = Server::start().await;
    let bare = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "bare-1", "data": null});
    let call = server
        .api()
        .call(crate::support::POST, "/chat-server/register");
    call.json(bare).send().await.ok_with(&MADE);
    let bare = json!({"user": "Abhi", "hash": "bare-1"});
    let call = server
        .api()
        .call(crate::support::POST, "/chat-server/user/Abhi/login");
    call.json(bare).send().await.ok();
}

#[tokio::test]
async fn a_chat_lives_as_long_as_its_registration_says() {
    let server = Setup::new().set("links.ttl_hours", 5).start().await;
    for (asked, lives) in [
        (json!(1), 1),
        (json!(720), 720),
        // Some clients write every number with a point.
        (json!(24.0), 24),
        (Value::Null, 5),
    ] {
        let body = json!({"userOne": "Abhi", "userTwo": "Anny", "ttlHours": asked});
        let made = server.api().post("/chat-server/register", body).await.ok();
        let lasts = moment(&made["expiresAt"]) - OffsetDateTime::now_utc();
        let hours = Duration::hours(lives);
        assert!(
            lasts <= hours && lasts > hours - Duration::minutes(5),
            "{lasts}"
        );
    }
    for wrong in [json!(0), json!(721), json!(-1), json!(1.5), json!("24")] {
        let body = json!({"userOne": "Abhi", "userTwo": "Anny", "ttlHours": wrong});
        server
            .api()
            .post("/chat-server/register", body)
            .await
            .fails_at(400, "ttlHours");
    }
}

#[tokio::test]
async fn a_hash_is_used_once() {
    let server = Server::start().await;
    let body = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "abc123"});
    server
        .api()
        .post("/chat-server/register", body.clone())
        .await
        .ok();
    server
        .api()
        .post("/chat-server/register", body)
        .await
        .fails_as(409, "hash_taken");
    let body = json!({"user": "Abhi", "hash": "abc123"});
    server
        .api()
        .post("/chat-server/user1", body)
        .await
        .fails_as(409, "hash_taken");
}

#[tokio::test]
async fn the_same_registration_again_answers_with_the_same_chat() {
    let server = Server::start().await;
    for (path, body) in [
        ("register", json!({"userOne": "Abhi", "userTwo": "Anny"})),
        (
            "register",
            json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "chosen"}),
        ),
        ("user1", json!({"user": "Abhi"})),
    ] {
        let path = format!("/chat-server/{path}");
        let mut body = body;
        body["id"] = json!(Uuid::new_v4());
        let first = server.api().post(&path, body.clone()).await.ok_with(&MADE);
        let before = store::rows(&server.database());
        let again = server.api().post(&path, body.clone()).await.ok_with(&MADE);
        assert_eq!(again, first);
        // Not even a restart makes it forget.
        assert_eq!(store::rows(&server.database()), before);
    }
}

#[tokio::test]
async fn a_registration_sent_many_times_at_once_makes_one_chat() {
    let server = Server::start().await;
    let api = server.api();
    let body = json!({"userOne": "Abhi", "userTwo": "Anny", "id": Uuid::new_v4()});
    let tries = (0..20).map(|_| api.post("/chat-server/register", body.clone()));
    let answers = futures_util::future::join_all(tries).await;
    let hashes: Vec<Value> = answers
        .iter()
        .map(|answer| answer.ok()["hash"].clone())
        .collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    assert_eq!(store::rows(&server.database())["chats"], 1);
}

#[tokio::test]
async fn a_reserved_hash_is_kept_for_its_registration() {
    let server = Server::start().await;
    let reserved = server
        .api()
        .post("/chat-server/hash", json!({}))
        .await
        .ok_with(&["hash"]);
    let hash = reserved["hash"].as_str().unwrap();
    assert!(hash.len() == 22 && is_base58(hash), "{hash}");
    let body = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": hash});
    let made = server
        .api()
        .post("/chat-server/register", body.clone())
        .await
        .ok_with(&MADE);
    assert_eq!(made["hash"], hash);
    server
        .api()
        .post("/chat-server/register", body)
        .await
        .fails(409);
    // A hash that is reserved and not registered is no chat yet.
    let reserved = server.api().post("/chat-server/hash", json!({})).await.ok();
    let hash = reserved["hash"].as_str().unwrap();
    try_login(&server.api(), hash, "Abhi", json!({}))
        .await
        .fails(404);
}

#[tokio::test]
async fn a_reservation_needs_no_body() {
    let server = Server::start().await;
    let call = server.api().call(crate::support::POST, "/chat-server/hash");
    call.send().await.ok_with(&["hash"]);
}

#[tokio::test]
async fn the_server_says_which_hashes_a_client_may_bring() {
    let long = "a-hash_of-22-characters";
    let short = "just-21-characters-ok";
    assert_eq!((long.len(), short.len()), (23, 21));
    let body = |hash: &str| json!({"userOne": "Abhi", "userTwo": "Anny", "hash": hash});
    for (policy, takes, refuses) in [
        ("any", vec!["abc123", long, short], vec!["abc12"]),
        ("long", vec![&long[..22]], vec!["abc123", short]),
        ("off", vec![], vec!["abc123", long]),
    ] {
        let server = Setup::new().set("links.custom", policy).start().await;
        let api = server.api();
        for hash in refuses {
            api.post("/chat-server/register", body(hash))
                .await
                .fails_at(400, "hash");
            let one = json!({"user": "Abhi", "hash": hash});
            api.post("/chat-server/user1", one)
                .await
                .fails_at(400, "hash");
        }
        for hash in takes {
            api.post("/chat-server/register", body(hash))
                .await
                .ok_with(&MADE);
        }
        // The server's own are good everywhere.
        let reserved = api.post("/chat-server/hash", json!({})).await.ok();
        let hash = reserved["hash"].as_str().unwrap();
        api.post("/chat-server/register", body(hash))
            .await
            .ok_with(&MADE);
        let fresh = json!({"userOne": "Abhi", "userTwo": "Anny"});
        api.post("/chat-server/register", fresh)
            .await
            .ok_with(&MADE);
    }
}

#[tokio::test]
async fn a_hash_is_reserved_for_ten_minutes() {
    let mut server = Setup::new().set("links.custom", "off").start().await;
    let api = server.api();
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let hash = api.post("/chat-server/hash", json!({})).await.ok()["hash"].clone();
        bodies.push(json!({"userOne": "Abhi", "userTwo": "Anny", "hash": hash}));
    }
    let mut answers = Vec::new();
    for (body, ms) in bodies.into_iter().zip([540_000, 60_000]) {
        let change = format!("UPDATE reservations SET expires_at = expires_at - {ms}");
        server = server.restart_after(&change).await;
        answers.push(server.api().post("/chat-server/register", body).await);
    }
    answers.pop().unwrap().fails_at(400, "hash");
    answers.pop().unwrap().ok_with(&MADE);
}

#[tokio::test]
async fn the_second_person_may_choose_their_own_name_once() {
    let server = Server::start().await;
    let api = server.api();
    let made = api
        .post("/chat-server/user1", json!({"user": "Abhi"}))
        .await
        .ok_with(&MADE);
    let hash = made["hash"].as_str().unwrap();
    let abhi = try_login(&api, hash, "Abhi", json!({})).await.ok();
    assert_eq!(abhi["peer"], Value::Null);
    let abhi = api.with(abhi["token"].as_str().unwrap());
    let path = format!("/chat-server/user/{hash}/stream");
    let mut stream = crate::support::Stream::open(abhi.call(reqwest::Method::GET, &path)).await;
    let hello = stream.next_of("hello").await.data;
    assert_eq!(
        (&hello["peer"], &hello["peerState"]),
        (&Value::Null, &json!("unnamed"))
    );
    // A message to somebody without a name waits for whoever it will be.
    let path = format!("/chat-server/user/{hash}/message_send");
    abhi.post(&path, json!({"message": "Hello?"})).await.ok();

    try_login(&api, hash, "Anny", json!({})).await.fails(403);
    let body = |user: &str| json!({"user": user, "hash": hash});
    api.post("/chat-server/user2", body("aBHI"))
        .await
        .fails_at(400, "user");
    api.post("/chat-server/user2", body("Anny"))
        .await
        .ok_with(&[]);
    let named = stream.next_of("seat").await.data;
    assert_eq!(named, json!({"seat": 2, "user": "Anny", "state": "named"}));
    for name in ["Anny", "Zoe"] {
        api.post("/chat-server/user2", body(name))
            .await
            .fails_as(409, "named_already");
    }
    let anny = Person::log_in(&api, hash, "Anny").await;
    assert_eq!(anny.texts().await, ["Hello?"]);
    stream.next_with("seat", "state", "taken").await;
}

#[tokio::test]
async fn a_chat_registered_with_both_names_takes_no_third() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let body = json!({"user": "Zoe", "hash": chat.hash});
    server
        .api()
        .post("/chat-server/user2", body)
        .await
        .fails_as(409, "named_already");
}

#[tokio::test]
async fn beyond_this_machine_only_long_hashes_may_be_brought() {
    let setup = Setup::new().set("server.bind", "0.0.0.0:0");
    let server = setup
        .set("server.public_url", "https://chat.example.org")
        .set("server.trusted_proxies", "127.0.0.1/32")
        .start()
        .await;
    let body = |hash: &str| json!({"userOne": "Abhi", "userTwo": "Anny", "hash": hash});
    let short = server
        .api()
        .post("/chat-server/register", body("abc123"))
        .await;
    short.fails_at(400, "hash");
    let long = server
        .api()
        .post("/chat-server/register", body("a-hash_of-22-characters"))
        .await;
    long.ok_with(&MADE);
}
