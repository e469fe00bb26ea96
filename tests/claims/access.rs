//! A session that has ended does nothing more, on any instance, whatever has become of the notice
//! that should have said so.

use serde_json::json;

use crate::support::{Answer, Chat, Person, Server, Setup, Twins};

const ACTS: [&str; 6] = [
    "messages",
    "message_send",
    "receipt",
    "typing",
    "stream",
    "endchat",
];

async fn act(person: &Person, act: &str) -> Answer {
    match act {
        "message_send" => person.post(act, json!({ "message": "too late" })).await,
        "receipt" => person.post(act, json!({ "delivered": 1, "read": 1 })).await,
        "typing" => person.post(act, json!({})).await,
        "endchat" => person.end().await,
        _ => person.get(act).await,
    }
}

/// A chat for each act, which the other server holds in memory.
async fn chats(twins: &Twins) -> Vec<(&'static str, Chat)> {
    let mut chats = Vec::new();
    for act in ACTS {
        let chat = Chat::begin(&twins.one).await;
        chat.two.say("Hello").await;
        assert_eq!(chat.one.at(&twins.two).texts().await, ["Hello"]);
        chats.push((act, chat));
    }
    chats
}

/// What each act comes to at a server that has not heard of the end, and that nothing came of it.
async fn are_refused(chats: &[(&'static str, Chat)], server: &Server) {
    for (name, chat) in chats {
        let refused = act(&chat.one.at(server), name).await;
        refused.fails_as(401, "no_session");
        assert_eq!(chat.two.at(server).texts().await, ["Hello"], "{name}");
        let mut stream = chat.two.at(server).listen().await;
        let hello = stream.next_of("hello").await;
        assert_eq!(hello.data["read"]["1"], 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_while_redis_was_away_does_nothing_elsewhere_then_or_later() {
    let mut twins = Twins::start(Setup::new()).await;
    let chats = chats(&twins).await;
    let streamed = Chat::begin(&twins.one).await;
    let mut stream = streamed.one.at(&twins.two).listen().await;
    stream.next_of("hello").await;
    twins.redis.kill();

    for (_, chat) in &chats {
        chat.one.log_out().await.ok();
    }
    are_refused(&chats, &twins.two).await;
    streamed.one.log_out().await.ok();
    let last = stream.rest().await;
    assert!(
        last.iter().all(|block| block.event != "message"),
        "{last:?}"
    );

    twins.redis.resume().unwrap();
    are_refused(&chats, &twins.two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_end_was_not_announced_does_nothing() {
    let twins = Twins::start(Setup::new()).await;
    let chats = chats(&twins).await;
    let streamed = Chat::begin(&twins.one).await;
    let mut stream = streamed.one.at(&twins.two).listen().await;
    stream.next_of("hello").await;
    // As when every notice is lost. The first people alone have seat 1.
    let database = twins.database().await;
    let ended = database.execute("DELETE FROM sessions WHERE seat = 1", &[]);
    assert_eq!(ended.await.unwrap(), chats.len() as u64 + 1);
    are_refused(&chats, &twins.two).await;
    are_refused(&chats, &twins.one).await;
    stream.rest().await;
}
