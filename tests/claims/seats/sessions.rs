//! Being logged in, in several places, and logging out.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Chat, Person, Server, Setup, chat::try_login};

async fn sessions(person: &Person) -> Vec<Value> {
    person.get("sessions").await.ok()["sessions"]
        .as_array()
        .unwrap()
        .clone()
}

async fn another(server: &Server, person: &Person) -> Person {
    let code = json!({"returnCode": person.return_code});
    Person::log_in_by(&server.api(), &person.hash, &person.name, code).await
}

#[tokio::test]
async fn one_session_ends_another_of_its_seat_and_none_of_the_other() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let laptop = another(&server, &chat.one).await;
    let list = sessions(&laptop).await;
    assert_eq!(list.len(), 2);
    let phone = list
        .iter()
        .find(|session| session["current"] == false)
        .unwrap();
    let theirs = &sessions(&chat.two).await[0];

    // A seat does not even see the other seat's sessions, and cannot end them.
    laptop
        .post("sessions/end", json!({"id": theirs["id"]}))
        .await;
    chat.two.get("messages").await.ok();

    let mut stream = chat.one.listen().await;
    stream.next_of("hello").await;
    laptop
        .post("sessions/end", json!({"id": phone["id"]}))
        .await
        .ok();
    stream.rest().await;
    chat.one.get("messages").await.fails(401);
    laptop.get("messages").await.ok();
    assert_eq!(sessions(&laptop).await.len(), 1);
}

#[tokio::test]
async fn a_session_is_listed_with_its_browser_and_system_and_nothing_that_its_client_made_up() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for (user_agent, device) in [
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
            json!("Chrome on Android"),
        ),
        ("<b>You have won</b>", Value::Null),
        ("Chrome/<b>You have won</b>", json!("Chrome")),
    ] {
        let login = json!({"user": "Abhi", "hash": chat.hash, "returnCode": chat.one.return_code});
        let call = server
            .api()
            .call(Method::POST, "/chat-server/user/Abhi/login");
        let call = call
            .header("User-Agent", user_agent)
            .json(json!({ "data": login }));
        let token = call.send().await.ok()["token"].as_str().unwrap().to_owned();
        let api = server.api().with(&token);
        let list = api
            .get(&format!("/chat-server/user/{}/sessions", chat.hash))
            .await
            .ok();
        let own = list["sessions"].as_array().unwrap().iter();
        let own = own.filter(|session| session["current"] == true);
        let devices: Vec<_> = own.map(|session| &session["device"]).collect();
        assert_eq!(devices, [&device], "{user_agent}");
    }
}

#[tokio::test]
async fn a_session_may_end_itself_from_the_list() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let own = sessions(&chat.one).await[0]["id"].clone();
    chat.one
        .post("sessions/end", json!({ "id": own }))
        .await
        .ok();
    chat.one.get("messages").await.fails(401);
}

#[tokio::test]
async fn who_logs_out_keeps_the_seat_and_comes_back_by_the_return_code() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let laptop = another(&server, &chat.one).await;
    chat.one.log_out().await.ok();
    chat.one.log_out().await.ok();
    chat.one.get("messages").await.fails(401);
    laptop.get("messages").await.ok();
    laptop.log_out().await.ok();
    // Nobody is logged in, and the seat is still taken.
    try_login(&api, &chat.hash, "Abhi", json!({}))
        .await
        .fails_as(409, "seat_taken");
    let back = another(&server, &chat.one).await;
    back.say("back").await;
    assert_eq!(chat.two.texts().await, ["back"]);
}

#[tokio::test]
async fn a_message_to_somebody_who_logged_out_waits_for_them() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.two.log_out().await.ok();
    chat.one.say("are you there?").await;
    let back = another(&server, &chat.two).await;
    assert_eq!(back.texts().await, ["are you there?"]);
}

#[tokio::test]
async fn one_session_too_many_logs_the_longest_unused_one_out() {
    let server = Setup::new()
        .set("limits.sessions_per_seat", 2)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    chat.one.get("messages").await.ok();
    let second = another(&server, &chat.one).await;
    second.get("messages").await.ok();
    let third = another(&server, &chat.one).await;
    chat.one.get("messages").await.fails(401);
    second.get("messages").await.ok();
    third.get("messages").await.ok();
    chat.two.get("messages").await.ok();
}
