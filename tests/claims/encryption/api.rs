//! What the API takes and refuses.

use actors::domain::{PairHash, Seat};
use duet::encryption::{Keys, Link};
use harness::servers::Postgres;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Encrypted;
use crate::support::{Browser, Chat, POST, Person, Server, Setup, chat::try_login};

const OTHER_AUTH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn with(mut body: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

#[tokio::test]
async fn every_description_of_an_encrypted_chat_says_that_it_is() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Encrypted::link();
    let made = api
        .post("/chat-server/register", chat.registration())
        .await
        .ok_with(&["hash", "url", "expiresAt", "encryption"]);
    assert_eq!(made["encryption"], "v1");
    assert!(!made["url"].as_str().unwrap().contains('#'));

    let login = try_login(&api, &chat.hash, "Abhi", chat.proof()).await.ok();
    assert_eq!(login["encryption"], "v1");
    let anny = chat.log_in(&api, "Anny").await.person;
    let mut stream = anny.listen().await;
    assert_eq!(stream.next_of("hello").await.data["encryption"], "v1");
}

#[tokio::test]
async fn a_plain_chat_says_nothing_of_encryption() {
    let server = Server::start().await;
    let api = server.api();
    let names = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "plain-1"});
    let made = api.post("/chat-server/register", names).await;
    made.ok_with(&["hash", "url", "expiresAt"]);
    try_login(&api, "plain-1", "Abhi", json!({}))
        .await
        .ok_with(&["token", "seat", "peer", "lastSeq", "returnCode"]);
    let anny = Person::log_in(&api, "plain-1", "Anny").await;
    let hello = anny.listen().await.next_of("hello").await;
    assert!(hello.data.get("encryption").is_none(), "{}", hello.data);
    // A proof that nobody asks for does no harm.
    let body = json!({"user": "Zoe", "auth": OTHER_AUTH, "hash": "plain-1"});
    api.post("/chat-server/user2", body)
        .await
        .fails_as(409, "named_already");
}

#[tokio::test]
async fn encryption_and_its_proof_go_together_and_are_checked() {
    let server = Server::start().await;
    let chat = Encrypted::link();
    let auth = chat.keys.auth();
    for (path, names) in [
        ("register", json!({"userOne": "Abhi", "userTwo": "Anny"})),
        ("user1", json!({"user": "Abhi"})),
    ] {
        let path = format!("/chat-server/{path}");
        for (field, more) in [
            ("auth", json!({"encryption": "v1"})),
            ("encryption", json!({"auth": auth})),
            ("encryption", json!({"encryption": "v2", "auth": auth})),
            ("encryption", json!({"encryption": 1, "auth": auth})),
            ("auth", json!({"encryption": "v1", "auth": "short"})),
            ("auth", json!({"encryption": "v1", "auth": 1})),
            (
                "auth",
                json!({"encryption": "v1", "auth": format!("{auth}=")}),
            ),
        ] {
            let answer = server.api().post(&path, with(names.clone(), more)).await;
            answer.fails_at(400, field);
        }
        let good = with(names, json!({"encryption": "v1", "auth": auth}));
        let made = server.api().post(&path, good).await.ok();
        assert_eq!(made["encryption"], "v1");
    }
}

#[tokio::test]
async fn the_same_registration_with_another_proof_is_another() {
    let server = Server::start().await;
    let register = |body| async { server.api().post("/chat-server/register", body).await };
    let mut body = Encrypted::link().registration();
    body["id"] = json!(Uuid::new_v4());
    let first = register(body.clone()).await.ok();
    assert_eq!(register(body.clone()).await.ok()["hash"], first["hash"]);
    let other = with(body.clone(), json!({ "auth": OTHER_AUTH }));
    register(other).await.fails_as(409, "id_reused");
    let plain = with(body, json!({"auth": null, "encryption": null}));
    register(plain).await.fails_as(409, "id_reused");
}

#[tokio::test]
async fn nobody_gets_in_without_the_whole_link() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Encrypted::begin(&api).await;
    let abhi = chat.log_in(&api, "Abhi").await;
    let login = |name, proof| try_login(&api, &chat.hash, name, proof);
    let code = abhi.person.return_code.clone().unwrap();
    for (name, proof) in [
        ("Anny", json!({})),
        ("Anny", json!({ "auth": OTHER_AUTH })),
        ("Abhi", json!({ "returnCode": code })),
        ("Abhi", json!({"returnCode": code, "auth": OTHER_AUTH})),
        // Not even which names there are.
        ("Nobody", json!({})),
    ] {
        login(name, proof).await.fails_as(403, "link_incomplete");
    }
    for auth in [Value::Null, json!(OTHER_AUTH)] {
        let ask = json!({"user": "Abhi", "hash": chat.hash, "auth": auth});
        let path = "/chat-server/user/Abhi/login/ask";
        api.post(path, ask).await.fails_as(403, "link_incomplete");
    }
    login("Anny", json!({ "auth": "short" }))
        .await
        .fails_at(400, "auth");
    login("Nobody", chat.proof())
        .await
        .fails_as(403, "wrong_name");
    abhi.again(&chat, &api).await.get("messages").await.ok();
}

#[tokio::test]
async fn the_second_person_is_named_and_let_in_with_the_whole_link() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Encrypted::link();
    let auth = chat.keys.auth();
    let one = json!({"user": "Abhi", "hash": chat.hash, "encryption": "v1", "auth": auth});
    api.post("/chat-server/user1", one).await.ok();
    let two = json!({"user": "Anny", "hash": chat.hash});
    let name = |body| api.post("/chat-server/user2", body);
    name(two.clone()).await.fails_as(403, "link_incomplete");
    name(with(two, chat.proof())).await.ok();

    let abhi = chat.log_in(&api, "Abhi").await;
    chat.log_in(&api, "Anny").await;
    let mut stream = abhi.person.listen().await;
    stream.next_of("hello").await;
    let ask = json!({"user": "Anny", "hash": chat.hash, "auth": auth});
    let asked = api.post("/chat-server/user/Anny/login/ask", ask).await.ok();
    let word = stream.next_with("seat", "state", "asking").await.data["ask"].clone();
    let answer = json!({"ask": word, "allow": true});
    abhi.person.post("answer", answer).await.ok();
    let ask_id = asked["askId"].clone();
    let without = json!({ "askId": ask_id });
    try_login(&api, &chat.hash, "Anny", without)
        .await
        .fails_as(403, "link_incomplete");
    let whole = json!({"askId": ask_id, "auth": auth});
    try_login(&api, &chat.hash, "Anny", whole).await.ok();
}

#[tokio::test]
async fn only_sealed_texts_are_taken() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Encrypted::begin(&api).await;
    let abhi = chat.log_in(&api, "Abhi").await.person;
    for plain in [
        "Hello",
        "v1.",
        "v1.AA==",
        "v1.A A",
        "v2.AAAA",
        "V1.AAAA",
        " v1.AAAA",
        "v1.AAAA\n",
    ] {
        let answer = abhi.say_as(Uuid::new_v4(), plain).await;
        answer.fails_at(400, "message");
    }
    let longest = format!("v1.{}", "A".repeat(32 * 1024 - 3));
    abhi.say_as(Uuid::new_v4(), &longest).await.ok();
    abhi.say_as(Uuid::new_v4(), &format!("{longest}A"))
        .await
        .fails_as(413, "message_too_long");
    assert_eq!(abhi.texts().await, std::slice::from_ref(&longest));

    // In a plain chat nothing has changed: such a text is a text, and 16 KiB are the most.
    let plain = Chat::begin(&server).await.one;
    plain.say("v1.AAAA").await;
    plain.say("Hello").await;
    let answer = plain.say_as(Uuid::new_v4(), &longest).await;
    answer.fails_as(413, "message_too_long");
}

#[tokio::test]
async fn what_is_sealed_is_stored_sent_and_retried_like_any_text() {
    let postgres = Postgres::start().unwrap();
    for setup in [Setup::new(), Setup::new().set("store.url", postgres.url())] {
        let server = setup.start().await;
        let chat = Encrypted::begin(&server.api()).await;
        let mut abhi = chat.log_in(&server.api(), "Abhi").await;
        let mut anny = chat.log_in(&server.api(), "Anny").await;
        let mut stream = anny.person.listen().await;
        stream.next_of("hello").await;
        let (id, sealed) = abhi.seal(&chat, "a most private text");
        let first = abhi.person.say_as(id, &sealed).await.ok();
        let again = abhi.person.say_as(id, &sealed).await.ok();
        assert_eq!(again["seq"], first["seq"]);
        let (_, other) = abhi.seal(&chat, "a most private text");
        abhi.person.say_as(id, &other).await.fails(422);

        let event = stream.next_of("message").await.data;
        let opened = open(&chat, Seat::One, &event);
        assert_eq!(opened.as_deref(), Some("a most private text"));
        anny.after = Some(id);
        anny.say(&chat, "an answer").await;

        // Another process finds it as it was.
        let server = server.restart().await;
        let abhi = abhi.person.at(&server);
        let page = abhi.get("messages?after=1&limit=1").await.ok();
        let opened = open(&chat, Seat::Two, &page["messages"][0]);
        assert_eq!(opened.as_deref(), Some("an answer"));
        try_login(&server.api(), &chat.hash, "Anny", json!({}))
            .await
            .fails_as(403, "link_incomplete");
    }
}

fn open(chat: &Encrypted, seat: Seat, message: &Value) -> Option<String> {
    let id = message["id"].as_str().unwrap().parse().unwrap();
    let sealed = message["message"].as_str().unwrap();
    let contents = chat.keys.open(seat, id, sealed).ok()?;
    Some(contents.text.to_string())
}

#[tokio::test]
async fn the_pages_make_and_open_an_encrypted_chat_and_hold_no_text_of_it() {
    let server = Server::start().await;
    let chat = Encrypted::begin(&server.api()).await;
    let path = format!("/demo/chat/user/{}", chat.hash);
    let mut browser = Browser::new(&server);
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200);
    let needs = "This chat is encrypted and needs JavaScript to be read.";
    assert!(page.text().contains(needs), "{page:?}");
    let page = browser.log_in(&chat.hash, "Abhi").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("This link is incomplete"), "{page:?}");
    let asked = [("user", "Abhi")];
    let page = browser.submit(&format!("{path}/login/ask"), &asked).await;
    assert_eq!(page.status, 403);
    let auth = chat.keys.auth();
    let login = [("user", "Abhi"), ("auth", auth.as_str())];
    let page = browser.submit(&format!("{path}/login"), &login).await;
    assert_eq!(page.status, 303, "{page:?}");
    let mut abhi = chat.log_in(&server.api(), "Anny").await;
    abhi.say(&chat, "a most private text").await;
    let page = browser.get(&format!("{path}/1")).await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(!text.contains("a most private text"), "{page:?}");
    // Sealed texts stand in attributes alone, where nothing shows them.
    assert_eq!(text.matches("v1.").count(), 1, "{page:?}");
    assert!(text.contains("data-sealed=\"v1."), "{page:?}");
    // A browser without scripts has no form to send from, and what another one sends is refused.
    assert!(
        !text.contains(&format!("{path}/1/message_send")),
        "{page:?}"
    );
    let plain = [("message", "a most private text")];
    let page = browser
        .submit(&format!("{path}/1/message_send"), &plain)
        .await;
    assert_eq!(page.status, 400, "{page:?}");
}

#[tokio::test]
async fn the_start_page_makes_an_encrypted_chat_with_the_hash_its_keys_were_made_with() {
    let server = Setup::new().set("links.custom", "off").start().await;
    let mut browser = Browser::new(&server);
    let front = server.front();
    let origin = format!("http://{}", server.address);
    let call = front.call(POST, "/demo/chat/register/hash").json(json!({}));
    let reserved = call.header("Origin", &origin).send().await.ok();
    let hash = reserved["hash"].as_str().unwrap();
    let keys = Keys::of(&Link::new(PairHash::parse(hash).unwrap(), [7; 32]));
    let auth = keys.auth();
    let form = [("userOne", "Abhi"), ("encryption", "v1"), ("auth", &auth)];
    let page = browser.submit("/demo/chat/register", &form).await;
    assert_eq!(page.status, 400, "{page:?}");
    let form = [form.as_slice(), &[("hash", hash)]].concat();
    let page = browser.submit("/demo/chat/register", &form).await;
    assert_eq!(page.status, 303, "{page:?}");
    let invite = format!("/demo/chat/user/{hash}/1/invite");
    assert_eq!(page.header("location"), Some(invite.as_str()));
    let page = browser.get(&invite).await;
    assert!(
        page.text().contains(&format!("data-encrypted=\"{hash}\"")),
        "{page:?}"
    );
}
