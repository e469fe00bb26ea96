//! Whoever held a seat before somebody else was let in is told so, in whatever way they come back.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::asking::Asker;
use crate::support::{Browser, Chat, Person, Server, Setup, Stream, chat::try_login, eventually};

/// Somebody else is let in at Anny's seat; the moment of it, and the newcomer's login.
async fn replace(server: &Server, chat: &Chat) -> (Value, Value) {
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(server, chat, &mut stream).await;
    asker.answered_by(&chat.one, true).await.ok();
    let hello = chat.one.listen().await.next_of("hello").await.data;
    let login = asker.log_in().await.ok();
    (hello["replacedAt"]["2"].clone(), login)
}

#[tokio::test]
async fn who_was_replaced_is_told_when_whatever_they_come_with() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let code = json!({"returnCode": chat.two.return_code});
    let phone = Person::log_in_by(&api, &chat.hash, "Anny", code.clone()).await;
    let device = chat.two.post("device", json!({})).await.ok();
    let device = json!({"deviceCode": device["deviceCode"]});
    try_login(&api, &chat.hash, "Anny", json!({}))
        .await
        .fails_as(409, "seat_taken");

    let (at, login) = replace(&server, &chat).await;
    assert!(at.is_string());
    for session in [&chat.two, &phone] {
        for leaf in ["messages", "sessions", "stream"] {
            let told = session.get(leaf).await.fails_as(401, "replaced");
            assert_eq!(told["replacedAt"], at, "{leaf}");
        }
        for leaf in ["device", "return_code", "typing"] {
            session
                .post(leaf, json!({}))
                .await
                .fails_as(401, "replaced");
        }
        session
            .post("message_send", json!({"message": "It is me."}))
            .await
            .fails_as(401, "replaced");
        // To be out is what logging out is for.
        session.log_out().await.ok();
    }
    for (proof, status) in [(code, 403), (device, 403), (json!({}), 409)] {
        let refused = try_login(&api, &chat.hash, "Anny", proof).await;
        assert_eq!(refused.fails_as(status, "replaced")["replacedAt"], at);
    }

    // It is told to nobody else.
    let stranger = json!({"returnCode": "7K2M-Q9XW-4R8T-B3ZH"});
    try_login(&api, &chat.hash, "Anny", stranger)
        .await
        .fails_as(403, "wrong_code");
    try_login(&api, &chat.hash, "Abhi", json!({}))
        .await
        .fails_as(409, "seat_taken");
    let newcomer = api.with(login["token"].as_str().unwrap());
    newcomer
        .post("/chat-server/user/logout", json!({}))
        .await
        .ok();
    newcomer
        .get(&chat.path("messages"))
        .await
        .fails_as(401, "no_session");
}

#[tokio::test]
async fn replaced_at_lasts_as_long_as_the_chat() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let (at, _) = replace(&server, &chat).await;
    assert!(server.terminate().await.success());
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    let told = chat.two.get("messages").await.fails_as(401, "replaced");
    assert_eq!(told["replacedAt"], at);
    let mut stream = chat.one.listen().await;
    assert_eq!(stream.next_of("hello").await.data["replacedAt"]["2"], at);
    chat.one.end().await.ok();
    chat.two.get("messages").await.fails(410);
    let rows = crate::support::store::rows(&server.database());
    assert_eq!(rows["replaced_secrets"], 0);
}

#[tokio::test]
async fn who_was_replaced_may_ask_to_be_let_in_again() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let (_, intruder) = replace(&server, &chat).await;
    let mut stream = chat.one.listen().await;
    let anny = Asker::ask(&server, &chat, &mut stream).await;
    anny.answered_by(&chat.one, true).await.ok();
    let back = anny.log_in().await.ok();
    let intruder = server.api().with(intruder["token"].as_str().unwrap());
    intruder
        .get(&chat.path("messages"))
        .await
        .fails_as(401, "replaced");
    // What she held before the first of the two is not forgotten over the second.
    chat.two.get("messages").await.fails_as(401, "replaced");
    let back = server.api().with(back["token"].as_str().unwrap());
    back.get(&chat.path("messages")).await.ok();
}

#[tokio::test]
async fn pages_tell_who_was_replaced_in_the_readers_language() {
    let server = Setup::new()
        .set("limits.presence_grace_ms", 100)
        .start()
        .await;
    let (mut abhi, mut anny) = (Browser::new(&server), Browser::new(&server));
    let hash = abhi.register().await;
    anny.log_in(&hash, "Anny").await;
    let home = format!("/demo/chat/user/{hash}");
    let mut stream = Stream::open(abhi.call(Method::GET, &format!("{home}/1/stream"))).await;
    let mut newcomer = Browser::new(&server);
    let asked = newcomer
        .submit(&format!("{home}/login/ask"), &[("user", "Anny")])
        .await;
    let asking = stream.next_with("seat", "state", "asking").await.data;
    let number = format!(">{}</", asking["number"].as_str().unwrap());
    let waiting = newcomer.get(asked.header("location").unwrap()).await;
    for page in [&waiting, &abhi.get(&format!("{home}/1")).await] {
        assert!(page.text().contains(&number), "{page:?}");
    }
    let answer = [("ask", asking["ask"].as_str().unwrap()), ("allow", "true")];
    abhi.submit(&format!("{home}/1/answer"), &answer).await;

    let seat = format!("{home}/2");
    let page = anny.get(&seat).await;
    assert_eq!(page.status, 401);
    assert!(page.text().contains("let someone in as"), "{page:?}");
    assert!(page.text().contains("which logged you out"), "{page:?}");
    let call = anny.call(Method::GET, &seat).header("Accept", "text/html");
    let page = call.header("Accept-Language", "ar").send().await;
    assert!(page.text().contains("فسُجِّل خروجك"), "{page:?}");
    let script = anny.call(Method::GET, &format!("{seat}/sessions"));
    let told = script.header("Accept", "application/json").send().await;
    assert!(told.fails_as(401, "replaced")["replacedAt"].is_string());

    // By the name alone nobody learns who the other person is.
    let page = Browser::new(&server).log_in(&hash, "Anny").await;
    assert_eq!(page.status, 409);
    assert!(page.text().contains("let someone in as"), "{page:?}");
    assert!(!page.text().contains("Abhi"), "{page:?}");

    // The one who let somebody in sees it in the conversation, and so does the newcomer.
    let page = abhi.get(&format!("{home}/1")).await;
    assert!(page.text().contains("You let someone in as"), "{page:?}");
    let ask = asked
        .header("location")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let form = [("user", "Anny"), ("askId", ask)];
    newcomer.submit(&format!("{home}/login"), &form).await;
    let page = newcomer.get(&seat).await;
    assert!(page.text().contains("let someone in as"), "{page:?}");
}

#[tokio::test]
async fn what_a_session_made_dies_with_it() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let code = json!({"returnCode": chat.one.return_code});
    let phone = Person::log_in_by(&api, &chat.hash, "Abhi", code).await;
    let device = phone.post("device", json!({})).await.ok();
    let device = json!({"deviceCode": device["deviceCode"]});
    let mut stream = phone.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    asker.answered_by(&phone, true).await.ok();
    assert_eq!(asker.state().await, "allowed");

    let list = chat.one.get("sessions").await.ok();
    let phone_id = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["current"] == false)
        .unwrap()["id"]
        .clone();
    chat.one
        .post("sessions/end", json!({ "id": phone_id }))
        .await
        .ok();
    try_login(&api, &chat.hash, "Abhi", device)
        .await
        .fails_as(403, "wrong_code");
    assert_eq!(asker.state().await, "expired");
    asker.log_in().await.fails_as(403, "wrong_code");
}

#[tokio::test]
async fn a_new_return_code_ends_device_codes_and_open_asks() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let device = chat.two.post("device", json!({})).await.ok();
    let device = json!({"deviceCode": device["deviceCode"]});
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    chat.two.post("return_code", json!({})).await.ok();
    try_login(&api, &chat.hash, "Anny", device)
        .await
        .fails_as(403, "wrong_code");
    assert_eq!(asker.state().await, "expired");
    asker
        .answered_by(&chat.one, true)
        .await
        .fails_as(409, "ask_over");
    // Whoever was shown it is told that it is over.
    eventually("the banner goes", async || {
        let hello = stream.next_of("hello").await.data;
        (hello["asks"] == json!([])).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_id_of_a_registration_or_login_is_a_random_uuid() {
    let server = Server::start().await;
    let api = server.api();
    let hash = crate::support::chat::register(&api).await;
    let register = json!({"userOne": "Abhi", "userTwo": "Anny"});
    for (path, body) in [
        ("/chat-server/register", register),
        ("/chat-server/user1", json!({"user": "Abhi"})),
        (
            "/chat-server/user/Abhi/login",
            json!({"user": "Abhi", "hash": hash}),
        ),
    ] {
        let with = |id: &str| {
            let mut body = body.clone();
            body["id"] = json!(id);
            body
        };
        for id in [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            // Made from a clock and a network card, and from a name.
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "5df41881-3aed-3515-88a7-2f4a814cf09e",
            "2ed6657d-e927-568b-95e1-2665a8aea6a2",
            "1ec9414c-232a-6b00-b3c8-9e6bdeced846",
            "320c3d4d-cc00-875b-8ec9-32d5f69181c0",
            // Of a random one's version, and of no variant that has versions.
            "0f8e1c2a-7c2b-4a57-1a7e-3f6d0d8c9b11",
            "0f8e1c2a-7c2b-4a57-da7e-3f6d0d8c9b11",
        ] {
            api.post(path, with(id)).await.fails_at(400, "id");
        }
        let v7 = format!("018f4d2e-7c2b-7a57-9a7e-{:012x}", path.len());
        api.post(path, with(&v7)).await.ok();
    }
    // The id of a message only has to be its own.
    let chat = Chat::begin(&server).await;
    chat.one.say_as(Uuid::nil(), "Hello").await.ok();
}

#[tokio::test]
async fn the_id_of_a_registration_answers_for_the_same_names_alone() {
    let server = Server::start().await;
    let api = server.api();
    let both = Uuid::new_v4();
    let register = json!({"userOne": "Abhi", "userTwo": "Anny", "id": both});
    let made = api
        .post("/chat-server/register", register.clone())
        .await
        .ok();
    let again = api.post("/chat-server/register", register).await.ok();
    assert_eq!(made["hash"], again["hash"]);
    let half = json!({"user": "Abhi", "id": both});
    api.post("/chat-server/user1", half)
        .await
        .fails_as(409, "id_reused");

    let one = json!({"user": "Abhi", "id": Uuid::new_v4()});
    let made = api.post("/chat-server/user1", one.clone()).await.ok();
    let named = json!({"user": "Anny", "hash": made["hash"]});
    api.post("/chat-server/user2", named).await.ok();
    let again = api.post("/chat-server/user1", one.clone()).await.ok();
    assert_eq!(made["hash"], again["hash"]);
    let mut other = one.clone();
    other["user"] = json!("Zoe");
    api.post("/chat-server/user1", other)
        .await
        .fails_as(409, "id_reused");
    let both = json!({"userOne": "Abhi", "userTwo": "Anny", "id": one["id"]});
    api.post("/chat-server/register", both)
        .await
        .fails_as(409, "id_reused");
}
