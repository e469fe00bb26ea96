//! The shapes of logging in, asking, codes, sessions, and the ways out.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::registration::moment;
use crate::support::{Chat, Person, Server, chat::register, chat::try_login};

#[tokio::test]
async fn a_first_login_gives_a_token_a_seat_and_a_return_code() {
    let server = Server::start().await;
    let hash = register(&server.api()).await;
    let fields = ["token", "seat", "peer", "lastSeq", "returnCode"];
    let login = try_login(&server.api(), &hash, "Abhi", json!({}))
        .await
        .ok_with(&fields);
    assert_eq!(
        (&login["seat"], &login["peer"]),
        (&json!(1), &json!("Anny"))
    );
    assert_eq!(login["lastSeq"], 0);
    let (tag, secret) = login["token"].as_str().unwrap().split_once('.').unwrap();
    // 128 bits that name the chat and 256 that nobody guesses, in base64url.
    assert_eq!((tag.len(), secret.len()), (22, 43));
    assert!(!login["returnCode"].as_str().unwrap().is_empty());

    let abhi = server.api().with(login["token"].as_str().unwrap());
    let path = format!("/chat-server/user/{hash}/message_send");
    abhi.post(&path, json!({"message": "x"})).await.ok();
    let login = try_login(&server.api(), &hash, "Anny", json!({}))
        .await
        .ok_with(&fields);
    assert_eq!(
        (&login["seat"], &login["peer"]),
        (&json!(2), &json!("Abhi"))
    );
    assert_eq!(login["lastSeq"], 1);
}

#[tokio::test]
async fn a_later_login_gives_no_return_code() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let code = json!({"returnCode": chat.one.return_code});
    let login = try_login(&server.api(), &chat.hash, "Abhi", code).await;
    login.ok_with(&["token", "seat", "peer", "lastSeq"]);
}

#[tokio::test]
async fn the_name_in_the_address_is_the_one_in_the_body() {
    let server = Server::start().await;
    let hash = register(&server.api()).await;
    let body = json!({"user": "Abhi", "hash": hash});
    for leaf in ["login", "login/ask"] {
        let path = format!("/chat-server/user/Anny/{leaf}");
        server
            .api()
            .post(&path, body.clone())
            .await
            .fails_at(400, "user");
    }
    let path = "/chat-server/user/%20aBHI%20/login";
    server.api().post(path, body).await.ok();
}

#[tokio::test]
async fn codes_come_with_what_they_are_for() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let fields = ["deviceCode", "expiresAt"];
    let device = chat.one.post("device", json!({})).await.ok_with(&fields);
    let lasts = moment(&device["expiresAt"]) - time::OffsetDateTime::now_utc();
    assert!((9..=10).contains(&lasts.whole_minutes()), "{lasts}");
    let code = chat
        .one
        .post("return_code", json!({}))
        .await
        .ok_with(&["returnCode"]);
    assert_ne!(code["returnCode"].as_str(), chat.one.return_code.as_deref());
}

#[tokio::test]
async fn sessions_are_listed_with_the_current_one_marked() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let code = json!({"returnCode": chat.one.return_code});
    let laptop = Person::log_in_by(&server.api(), &chat.hash, "Abhi", code).await;
    let list = laptop.get("sessions").await.ok_with(&["sessions"]);
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        let fields: Vec<_> = session.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["current", "device", "id", "lastSeen", "since"]);
        moment(&session["since"]);
        moment(&session["lastSeen"]);
    }
    let current: Vec<&Value> = sessions
        .iter()
        .filter(|one| one["current"] == true)
        .collect();
    assert_eq!(current.len(), 1);
    let other = sessions.iter().find(|one| one["current"] == false).unwrap();
    let body = json!({"id": other["id"]});
    laptop.post("sessions/end", body.clone()).await.ok_with(&[]);
    laptop.post("sessions/end", body).await.ok_with(&[]);
    laptop
        .post("sessions/end", json!({"id": Uuid::new_v4()}))
        .await
        .ok_with(&[]);
}

#[tokio::test]
async fn an_ask_returns_a_secret_that_reads_its_state() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let body = json!({"user": "Anny", "hash": chat.hash});
    let asked = server
        .api()
        .post("/chat-server/user/Anny/login/ask", body)
        .await;
    let asked = asked.ok_with(&["askId", "number"]);
    let ask = asked["askId"].as_str().unwrap();
    let path = format!("/chat-server/user/Anny/login/ask/{ask}");
    assert_eq!(
        server.api().get(&path).await.ok_with(&["state"])["state"],
        "waiting"
    );
    for wrong in ["x", &ask[..ask.len() - 2]] {
        let path = format!("/chat-server/user/Anny/login/ask/{wrong}");
        server.api().get(&path).await.fails(400);
    }
    let tag = ask.split_once('.').unwrap().0;
    let guess = format!("/chat-server/user/Anny/login/ask/{tag}.{}", "A".repeat(43));
    server.api().get(&guess).await.fails_as(403, "wrong_code");
}

#[tokio::test]
async fn logging_out_and_ending_work_by_get_and_by_post() {
    let server = Server::start().await;
    for method in [Method::GET, Method::POST] {
        let chat = Chat::begin(&server).await;
        for (person, leaf) in [(&chat.one, "logout"), (&chat.two, "endchat")] {
            let path = format!("/chat-server/user/{leaf}");
            // Without a body, and twice.
            for _ in 0..2 {
                let answer = person.api.call(method.clone(), &path).send().await;
                answer.ok_with(&[]);
                assert_eq!(answer.header("cache-control"), Some("no-store"));
            }
        }
    }
}
