//! Being let in without a code: somebody asks, the other person answers.

use serde_json::{Value, json};

use crate::support::{
    Answer, Api, Chat, Person, Server, Stream, chat::register, chat::try_login, eventually,
};

/// Somebody who would be let in at Anny's seat.
pub struct Asker {
    api: Api,
    hash: String,
    /// The secret.
    id: String,
    /// The public word of it.
    pub word: Value,
    /// The digits that both sides see.
    number: Value,
}

impl Asker {
    /// Asks, and reads the word from a stream.
    pub async fn ask(server: &Server, chat: &Chat, stream: &mut Stream) -> Self {
        let body = json!({"user": "Anny", "hash": chat.hash});
        let asked = server
            .api()
            .post("/chat-server/user/Anny/login/ask", body)
            .await
            .ok_with(&["askId", "number"]);
        let event = stream.next_with("seat", "state", "asking").await.data;
        assert_eq!(
            (&event["seat"], &event["user"], &event["number"]),
            (&json!(2), &json!("Anny"), &asked["number"])
        );
        let number = asked["number"].as_str().unwrap();
        assert!(number.len() == 2 && number.bytes().all(|digit| digit.is_ascii_digit()));
        Self {
            api: server.api(),
            hash: chat.hash.clone(),
            id: asked["askId"].as_str().unwrap().into(),
            word: event["ask"].clone(),
            number: asked["number"].clone(),
        }
    }

    pub async fn state(&self) -> Value {
        let path = format!("/chat-server/user/Anny/login/ask/{}", self.id);
        self.api.get(&path).await.ok()["state"].clone()
    }

    pub async fn log_in(&self) -> Answer {
        try_login(&self.api, &self.hash, "Anny", json!({"askId": self.id})).await
    }

    pub async fn answered_by(&self, person: &Person, allow: bool) -> Answer {
        person
            .post("answer", json!({"ask": self.word, "allow": allow}))
            .await
    }
}

#[tokio::test]
async fn the_other_person_lets_a_newcomer_in_and_the_old_owner_is_out() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let device = chat.two.post("device", json!({})).await.ok()["deviceCode"].clone();
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    assert_eq!(asker.state().await, "waiting");
    asker.log_in().await.fails_as(403, "wrong_code");

    asker.answered_by(&chat.one, true).await.ok_with(&[]);
    assert_eq!(asker.state().await, "allowed");
    let replaced = stream.next_of("seat").await.data;
    assert_eq!(
        replaced,
        json!({"seat": 2, "user": "Anny", "state": "replaced"})
    );
    // What the old owner held is worth nothing any more.
    chat.two.get("messages").await.fails_as(401, "replaced");
    let code = json!({"returnCode": chat.two.return_code});
    try_login(&server.api(), &chat.hash, "Anny", code.clone())
        .await
        .fails_as(403, "replaced");
    let device = json!({ "deviceCode": device });
    try_login(&server.api(), &chat.hash, "Anny", device)
        .await
        .fails_as(403, "replaced");
    try_login(&server.api(), &chat.hash, "Anny", json!({}))
        .await
        .fails_as(409, "replaced");

    let fields = ["token", "seat", "peer", "lastSeq", "returnCode"];
    let login = asker.log_in().await.ok_with(&fields);
    assert_eq!(login["seat"], 2);
    stream.next_with("seat", "state", "taken").await;
    asker.log_in().await.fails_as(403, "wrong_code");
    try_login(&server.api(), &chat.hash, "Anny", code)
        .await
        .fails_as(403, "replaced");
    let new = json!({"returnCode": login["returnCode"]});
    Person::log_in_by(&server.api(), &chat.hash, "Anny", new)
        .await
        .say("It is me.")
        .await;
    assert_eq!(stream.next_texts(1).await, ["It is me."]);
}

#[tokio::test]
async fn nobody_lets_somebody_in_at_their_own_seat_but_everybody_may_refuse() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    asker
        .answered_by(&chat.two, true)
        .await
        .fails_as(403, "own_seat");
    assert_eq!(asker.state().await, "waiting");
    asker.answered_by(&chat.two, false).await.ok_with(&[]);
    assert_eq!(asker.state().await, "refused");
    asker.log_in().await.fails_as(403, "wrong_code");

    let asker = Asker::ask(&server, &chat, &mut stream).await;
    asker.answered_by(&chat.one, false).await.ok_with(&[]);
    assert_eq!(asker.state().await, "refused");
    asker.log_in().await.fails_as(403, "wrong_code");
    // Anny is none the worse for it.
    chat.two.get("messages").await.ok();
}

#[tokio::test]
async fn nobody_is_let_in_at_a_seat_whose_owner_is_there() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let mut hers = chat.two.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    // She sees it as well, and that the answer is hers to refuse.
    let event = hers.next_with("seat", "state", "asking").await.data;
    assert_eq!(event["ask"], asker.word);
    asker
        .answered_by(&chat.one, true)
        .await
        .fails_as(409, "seat_open");
    assert_eq!(asker.state().await, "waiting");
    chat.two.get("messages").await.ok();
    drop(hers);
    eventually("she has gone", async || {
        (asker.answered_by(&chat.one, true).await.status == 200).then_some(())
    })
    .await;
    asker.log_in().await.ok();
}

#[tokio::test]
async fn a_wish_is_answered_once() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    for (first, state) in [(false, "refused"), (true, "allowed")] {
        let asker = Asker::ask(&server, &chat, &mut stream).await;
        asker.answered_by(&chat.one, first).await.ok();
        for second in [true, false] {
            asker
                .answered_by(&chat.one, second)
                .await
                .fails_as(409, "ask_over");
        }
        assert_eq!(asker.state().await, state);
    }
    let unknown = json!({"ask": uuid::Uuid::new_v4(), "allow": true});
    chat.one
        .post("answer", unknown)
        .await
        .fails_as(409, "ask_over");
}

#[tokio::test]
async fn a_wish_lapses_after_two_minutes() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let mut asker = Asker::ask(&server, &chat, &mut stream).await;
    drop(stream);
    for state in ["waiting", "expired"] {
        let a_minute = "UPDATE asks SET expires_at = expires_at - 60000";
        server = server.restart_after(a_minute).await;
        asker.api = server.api();
        assert_eq!(asker.state().await, state);
    }
    let chat = chat.moved_to(&server);
    asker
        .answered_by(&chat.one, true)
        .await
        .fails_as(409, "ask_over");
    asker.log_in().await.fails_as(403, "wrong_code");
    chat.two.get("messages").await.ok();
}

#[tokio::test]
async fn the_public_reference_of_an_ask_lets_nobody_in() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    asker.answered_by(&chat.one, true).await.ok();
    let by_word = json!({ "askId": asker.word });
    let answer = try_login(&server.api(), &chat.hash, "Anny", by_word).await;
    assert!(matches!(answer.status, 400 | 403), "{answer:?}");
    // Nor does the secret open another seat, or another chat.
    let by_secret = json!({ "askId": asker.id });
    try_login(&server.api(), &chat.hash, "Abhi", by_secret.clone())
        .await
        .fails(403);
    let other = Chat::begin(&server).await;
    try_login(&server.api(), &other.hash, "Anny", by_secret)
        .await
        .fails(403);
    other.two.get("messages").await.ok();
    asker.log_in().await.ok();
}

#[tokio::test]
async fn there_is_nothing_to_ask_for_at_a_free_seat() {
    let server = Server::start().await;
    let hash = register(&server.api()).await;
    let body = json!({"user": "Anny", "hash": hash});
    let asked = server
        .api()
        .post("/chat-server/user/Anny/login/ask", body)
        .await;
    asked.fails_as(409, "seat_free");
    Person::log_in(&server.api(), &hash, "Anny").await;
}

#[tokio::test]
async fn a_login_by_a_wish_whose_answer_was_lost_is_made_anew() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    asker.answered_by(&chat.one, true).await.ok();
    let login = json!({"askId": asker.id, "id": uuid::Uuid::new_v4()});
    let lost = Person::log_in_by(&server.api(), &chat.hash, "Anny", login.clone()).await;
    let again = Person::log_in_by(&server.api(), &chat.hash, "Anny", login).await;
    lost.get("messages").await.fails(401);
    again.get("messages").await.ok();
    let code = json!({"returnCode": again.return_code.unwrap()});
    Person::log_in_by(&server.api(), &chat.hash, "Anny", code).await;
}

#[tokio::test]
async fn an_open_ask_is_in_hello() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&server, &chat, &mut stream).await;
    let mut hello = chat.one.listen().await.next_of("hello").await.data;
    let expires_at = hello["asks"][0]["expiresAt"].take();
    assert!(expires_at.as_str().unwrap().ends_with('Z'));
    assert_eq!(
        hello["asks"],
        json!([{"ask": asker.word, "seat": 2, "user": "Anny", "number": asker.number, "expiresAt": null}])
    );
    asker.answered_by(&chat.one, false).await.ok();
    let hello = chat.one.listen().await.next_of("hello").await.data;
    assert_eq!(hello["asks"], json!([]));
}

#[tokio::test]
async fn a_seat_has_one_open_ask_the_newest() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let first = Asker::ask(&server, &chat, &mut stream).await;
    let newest = Asker::ask(&server, &chat, &mut stream).await;
    assert_ne!(first.number, newest.number);
    assert_eq!(first.state().await, "expired");
    first
        .answered_by(&chat.one, true)
        .await
        .fails_as(409, "ask_over");
    let hello = chat.one.listen().await.next_of("hello").await.data;
    assert_eq!(hello["asks"].as_array().unwrap().len(), 1);
    assert_eq!(hello["asks"][0]["ask"], newest.word);
    newest.answered_by(&chat.one, true).await.ok();
    first.log_in().await.fails_as(403, "wrong_code");
    newest.log_in().await.ok();
}
