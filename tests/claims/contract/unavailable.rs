//! 503: what is answered while the store cannot write, and that trying again settles it.

use serde_json::json;
use uuid::Uuid;

use crate::support::{Answer, Chat, Person, Server, Setup, chat::register, chat::try_login, store};

#[tokio::test]
async fn while_the_store_cannot_write_the_answer_is_503_and_later_all_is_well() {
    let server = Server::start().await;
    let api = server.api();
    let chat = Chat::begin(&server).await;
    let hash = register(&api).await;
    let id = Uuid::new_v4();
    let names = json!({"userOne": "Abhi", "userTwo": "Anny", "id": Uuid::new_v4()});
    let login = json!({"id": Uuid::new_v4()});

    let held = store::hold_writers(&server.database());
    let (sent, made, entered, reserved) = tokio::join!(
        chat.one.say_as(id, "Hello"),
        api.post("/chat-server/register", names.clone()),
        try_login(&api, &hash, "Abhi", login.clone()),
        api.post("/chat-server/hash", json!({})),
    );
    for answer in [&sent, &made, &entered, &reserved] {
        answer.fails_as(503, "unavailable");
    }
    // What is there can still be read.
    chat.two.get("messages").await.ok();
    drop(held);

    let again: Answer = chat.one.say_as(id, "Hello").await;
    assert_eq!(again.ok()["seq"], 1);
    assert_eq!(chat.one.say_as(id, "Hello").await.ok()["seq"], 1);
    assert_eq!(chat.two.texts().await, ["Hello"]);
    api.post("/chat-server/register", names).await.ok();
    Person::log_in_by(&api, &hash, "Abhi", login)
        .await
        .get("messages")
        .await
        .ok();
}

#[tokio::test]
async fn a_full_queue_is_answered_at_once_and_loses_nothing_that_was_acknowledged() {
    let narrow = Setup::new().set("limits.journal_queue_messages", 1);
    let server = narrow.set("limits.journal_batch_messages", 1).start().await;
    let chat = Chat::begin(&server).await;
    let ids: Vec<Uuid> = (0..200).map(|_| Uuid::new_v4()).collect();
    let held = store::hold_writers(&server.database());
    let sends = ids.iter().map(|id| chat.one.say_as(*id, "Hello"));
    let answers = futures_util::future::join_all(sends).await;
    drop(held);
    let refused = answers.iter().filter(|answer| answer.status == 503).count();
    assert!(refused >= 190, "{refused}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.fails_as(503, "unavailable");
    }
    for id in &ids {
        loop {
            let answer = chat.one.say_as(*id, "Hello").await;
            if answer.status == 200 {
                break;
            }
            answer.fails(503);
        }
    }
    assert_eq!(chat.two.texts().await.len(), ids.len());
}
