//! Return codes, device codes, and logins that are sent again.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Chat, Person, Server, chat::register, chat::try_login};

fn return_code(code: &str) -> Value {
    json!({ "returnCode": code })
}

#[tokio::test]
async fn a_return_code_lets_its_owner_in_from_anywhere_again_and_again() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let code = chat.one.return_code.clone().unwrap();
    for _ in 0..3 {
        let back = Person::log_in_by(&server.api(), &chat.hash, "aBHI", return_code(&code)).await;
        assert_eq!(back.return_code, None);
        back.get("messages").await.ok();
    }
    chat.one.get("messages").await.ok();
}

#[tokio::test]
async fn a_return_code_opens_its_own_seat_of_its_own_chat_alone() {
    let server = Server::start().await;
    let api = server.api();
    let (chat, other) = (Chat::begin(&server).await, Chat::begin(&server).await);
    let code = chat.one.return_code.clone().unwrap();
    try_login(&api, &chat.hash, "Anny", return_code(&code))
        .await
        .fails_as(403, "wrong_code");
    try_login(&api, &other.hash, "Abhi", return_code(&code))
        .await
        .fails_as(403, "wrong_code");
    let device = json!({ "deviceCode": code });
    try_login(&api, &chat.hash, "Abhi", device)
        .await
        .fails_as(403, "wrong_code");
}

#[tokio::test]
async fn a_new_return_code_kills_the_old_one() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let old = chat.one.return_code.clone().unwrap();
    let new = chat.one.post("return_code", json!({})).await.ok()["returnCode"].clone();
    try_login(&api, &chat.hash, "Abhi", return_code(&old))
        .await
        .fails_as(403, "wrong_code");
    try_login(&api, &chat.hash, "Abhi", return_code(new.as_str().unwrap()))
        .await
        .ok();
    // The other person's stays what it was.
    let hers = chat.two.return_code.clone().unwrap();
    try_login(&api, &chat.hash, "Anny", return_code(&hers))
        .await
        .ok();
}

#[tokio::test]
async fn a_device_code_lets_one_in_once() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let code = chat.one.post("device", json!({})).await.ok()["deviceCode"].clone();
    let proof = json!({ "deviceCode": code });
    try_login(&api, &chat.hash, "Anny", proof.clone())
        .await
        .fails_as(403, "wrong_code");
    let phone = Person::log_in_by(&api, &chat.hash, "Abhi", proof.clone()).await;
    phone.get("messages").await.ok();
    assert_eq!(phone.return_code, None);
    try_login(&api, &chat.hash, "Abhi", proof)
        .await
        .fails_as(403, "wrong_code");
    // Neither the first session nor its return code is any the worse for it.
    chat.one.get("messages").await.ok();
    let code = chat.one.return_code.clone().unwrap();
    try_login(&api, &chat.hash, "Abhi", return_code(&code))
        .await
        .ok();
}

#[tokio::test]
async fn a_device_code_is_good_for_ten_minutes() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let code = async |person: &Person| {
        let made = person.post("device", json!({})).await.ok();
        json!({"deviceCode": made["deviceCode"]})
    };
    let (abhis, annys) = (code(&chat.one).await, code(&chat.two).await);
    let after = async |server: Server, ms: u32| {
        let column = "device_code_expires_at";
        let change = format!("UPDATE seats SET {column} = {column} - {ms}");
        server.restart_after(&change).await
    };
    server = after(server, 540_000).await;
    let api = server.api();
    try_login(&api, &chat.hash, "Abhi", abhis).await.ok();
    server = after(server, 60_000).await;
    try_login(&server.api(), &chat.hash, "Anny", annys)
        .await
        .fails_as(403, "wrong_code");
}

#[tokio::test]
async fn a_first_login_whose_answer_was_lost_is_made_anew() {
    let server = Server::start().await;
    let api = server.api();
    let hash = register(&api).await;
    let id = json!({"id": Uuid::new_v4()});
    let lost = Person::log_in_by(&api, &hash, "Abhi", id.clone()).await;
    let again = Person::log_in_by(&api, &hash, "Abhi", id.clone()).await;
    // The seat is no other's meanwhile.
    try_login(&api, &hash, "Abhi", json!({})).await.fails(409);
    try_login(&api, &hash, "Abhi", json!({"id": Uuid::new_v4()}))
        .await
        .fails(409);

    lost.get("messages").await.fails(401);
    again.get("messages").await.ok();
    let (old, new) = (
        lost.return_code.unwrap(),
        again.return_code.clone().unwrap(),
    );
    try_login(&api, &hash, "Abhi", return_code(&old))
        .await
        .fails(403);
    Person::log_in_by(&api, &hash, "Abhi", return_code(&new)).await;
    // Once the session was used, the id opens nothing any more.
    try_login(&api, &hash, "Abhi", id)
        .await
        .fails_as(409, "seat_taken");
    again.get("messages").await.ok();
}

#[tokio::test]
async fn a_code_that_is_good_once_is_not_lost_with_an_answer() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let code = chat.one.post("device", json!({})).await.ok()["deviceCode"].clone();
    let login = json!({"deviceCode": code, "id": Uuid::new_v4()});
    let lost = Person::log_in_by(&api, &chat.hash, "Abhi", login.clone()).await;
    let again = Person::log_in_by(&api, &chat.hash, "Abhi", login.clone()).await;
    lost.get("messages").await.fails(401);
    let sessions = again.get("sessions").await.ok()["sessions"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(sessions, 2);
    let mut elsewhere = login.clone();
    elsewhere["id"] = json!(Uuid::new_v4());
    try_login(&api, &chat.hash, "Abhi", elsewhere)
        .await
        .fails(403);
    try_login(&api, &chat.hash, "Abhi", login).await.fails(403);
}
