//! 503: what is answered while the store cannot write, and that trying again settles it.

use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Chat, Person, Server, Setup, chat::register, chat::try_login, store};

#[tokio::test]
async fn a_message_that_the_store_cannot_take_is_503_and_sent_again_is_stored_once() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let id = Uuid::new_v4();
    let held = store::hold_writers(&server.database());
    chat.one
        .say_as(id, "Hello")
        .await
        .fails_as(503, "unavailable");
    // What is there can still be read.
    chat.two.get("messages").await.ok();
    drop(held);
    for _ in 0..2 {
        assert_eq!(chat.one.say_as(id, "Hello").await.ok()["seq"], 1);
    }
    assert_eq!(chat.two.texts().await, ["Hello"]);
}

#[tokio::test]
async fn a_chat_that_cannot_be_made_is_503_and_later_made() {
    let server = Server::start().await;
    let body = json!({"userOne": "Abhi", "userTwo": "Anny", "id": Uuid::new_v4()});
    let held = store::hold_writers(&server.database());
    let made = server
        .api()
        .post("/chat-server/register", body.clone())
        .await;
    made.fails_as(503, "unavailable");
    drop(held);
    server.api().post("/chat-server/register", body).await.ok();
    assert_eq!(store::rows(&server.database())["chats"], 1);
}

#[tokio::test]
async fn a_seat_that_cannot_be_taken_is_503_and_stays_free() {
    let server = Server::start().await;
    let hash = register(&server.api()).await;
    let held = store::hold_writers(&server.database());
    let login = try_login(&server.api(), &hash, "Abhi", json!({})).await;
    login.fails_as(503, "unavailable");
    drop(held);
    Person::log_in(&server.api(), &hash, "Abhi")
        .await
        .get("messages")
        .await
        .ok();
}

#[tokio::test]
async fn a_full_queue_is_answered_at_once_and_everything_sent_again_is_stored_once() {
    let narrow = Setup::new().set("limits.journal_queue_messages", 1);
    let server = narrow.set("limits.journal_batch_messages", 1).start().await;
    let chat = Chat::begin(&server).await;
    let ids: Vec<Uuid> = (0..200).map(|_| Uuid::new_v4()).collect();
    let held = store::hold_writers(&server.database());
    let mut sends: FuturesUnordered<_> =
        ids.iter().map(|id| chat.one.say_as(*id, "Hello")).collect();
    // All but the few that found room are refused while nothing can be written.
    for _ in 0..190 {
        sends.next().await.unwrap().fails_as(503, "unavailable");
    }
    drop(held);
    while let Some(answer) = sends.next().await {
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
    }
    for id in &ids {
        chat.one.say_as(*id, "Hello").await.ok();
    }
    assert_eq!(chat.two.texts().await.len(), ids.len());
}
