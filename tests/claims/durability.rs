//! What was acknowledged is there, whatever happens to the process.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use harness::{
    checker::{Ledger, Seat, View},
    client::{Client, Message, Session},
    stream::{Signal, Subscription},
};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{Chat, Person, Server, Setup, chat::try_login, eventually};

const MESSAGES: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn text(number: usize) -> String {
    format!("message {number}: „Grüße“ 🙂\n{}", "x".repeat(number % 500))
}

/// Follows a stream through everything that happens to it.
fn follow(clients: &Arc<[Client]>, session: &Arc<Session>, seat: Seat, ledger: &Arc<Ledger>) {
    let stream = Subscription::new(clients.clone(), 0, session.clone()).after(0);
    let ledger = ledger.clone();
    tokio::spawn(stream.follow(move |signal| {
        if let Signal::Event(event) = signal
            && let Some(message) = Message::of(&event)
        {
            let message = message.unwrap();
            ledger.delivered(0, seat, message.seq, message.id, &message.text);
        }
        ControlFlow::Continue(())
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sends_at_once_outlive_a_kill_in_their_middle() {
    let setup = Setup::new().set("limits.sends_per_seat_burst", 100_000);
    let mut server = setup.start().await;
    let url = format!("http://{}", server.address);
    let clients: Arc<[Client]> =
        Arc::new([Client::with_connections(&url, MESSAGES).await.unwrap()]);
    let client = clients[0].clone();
    let hash = client.register("Abhi", "Anny", None).await.unwrap().hash;
    let one = Arc::new(client.login(&hash, "Abhi", None).await.unwrap());
    let two = Arc::new(client.login(&hash, "Anny", None).await.unwrap());
    let ledger = Arc::new(Ledger::new(1));
    follow(&clients, &one, Seat::One, &ledger);
    follow(&clients, &two, Seat::Two, &ledger);

    let ids: Vec<Uuid> = (0..MESSAGES).map(|_| Uuid::new_v4()).collect();
    let answered = Arc::new(AtomicUsize::new(0));
    let mut sends = JoinSet::new();
    for (number, id) in ids.iter().copied().enumerate() {
        let (client, session) = (client.clone(), [&one, &two][number % 2].clone());
        let (ledger, answered) = (ledger.clone(), answered.clone());
        sends.spawn(async move {
            let sent = client.send(&session, id, &text(number)).await.ok()?;
            assert_eq!(sent.id, id);
            ledger.acknowledged(0, sent.seq, id, &text(number));
            answered.fetch_add(1, Ordering::Relaxed);
            Some(())
        });
    }
    eventually("some are acknowledged", async || {
        (answered.load(Ordering::Relaxed) >= MESSAGES / 10).then_some(())
    })
    .await;
    server.kill_9();
    let mut lost = 0;
    while let Some(sent) = sends.join_next().await {
        lost += usize::from(sent.unwrap().is_none());
    }
    assert!(lost > 0, "the kill came too late to show anything");

    let server = server.restart().await;
    // Everything acknowledged is there, before anybody sends again.
    let memory = Ledger::requiring(1, &[View::History]);
    let first = client.whole_history(&one).await.unwrap();
    for message in &first {
        memory.remembered(0, message.seq, message.id, &message.text);
    }
    assert!(memory.verdict().is_clean(), "{}", memory.verdict());
    assert!(first.len() >= answered.load(Ordering::Relaxed));

    // Those without an answer are sent again under their ids; the others once more as well.
    for (number, id) in ids.iter().enumerate() {
        let session = [&one, &two][number % 2];
        let message = (*id, &*text(number));
        let sent =
            harness::client::send_until_settled(&clients, 0, session, message, PATIENCE, |_| {});
        let sent = sent.await.unwrap();
        ledger.acknowledged(0, sent.seq, *id, &text(number));
    }
    eventually("both streams have shown everything", async || {
        (ledger.outstanding() == 0).then_some(())
    })
    .await;
    let history = client.whole_history(&two).await.unwrap();
    assert_eq!(history.len(), MESSAGES);
    assert_eq!(
        history[..first.len()],
        first,
        "what was there stayed as it was"
    );
    for message in &history {
        ledger.remembered(0, message.seq, message.id, &message.text);
    }
    assert!(ledger.verdict().is_clean(), "{}", ledger.verdict());
    drop(server);
}

#[tokio::test]
async fn a_second_start_finds_the_chats_of_the_first() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let id = Uuid::new_v4();
    chat.one.say_as(id, "Hello").await.ok();
    chat.two.say("Hi").await;
    let reserved = server.api().post("/chat-server/hash", json!({})).await.ok();
    let device = chat.two.post("device", json!({})).await.ok();
    let named = json!({"user": "Zoe", "id": Uuid::new_v4()});
    let made = server
        .api()
        .post("/chat-server/user1", named.clone())
        .await
        .ok();

    assert!(server.terminate().await.success());
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    let api = server.api();
    assert_eq!(chat.one.texts().await, ["Hello", "Hi"]);
    assert_eq!(chat.one.say_as(id, "Hello").await.ok()["seq"], 1);
    chat.one.say_as(id, "Other").await.fails(422);
    assert_eq!(chat.two.say("And on").await, 3);
    try_login(&api, &chat.hash, "Anny", json!({}))
        .await
        .fails(409);
    Person::log_in_by(
        &api,
        &chat.hash,
        "Abhi",
        json!({"returnCode": chat.one.return_code}),
    )
    .await;
    let code = json!({"deviceCode": device["deviceCode"]});
    Person::log_in_by(&api, &chat.hash, "Anny", code).await;
    let taken = json!({"userOne": "A", "userTwo": "B", "hash": chat.hash});
    api.post("/chat-server/register", taken).await.fails(409);
    let hash = json!({"userOne": "A", "userTwo": "B", "hash": reserved["hash"]});
    api.post("/chat-server/register", hash).await.ok();
    let again = api.post("/chat-server/user1", named).await.ok();
    assert_eq!(again["hash"], made["hash"]);
}

#[tokio::test]
async fn what_was_answered_before_a_kill_is_done() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Hello").await;
    let code = chat.one.post("return_code", json!({})).await.ok()["returnCode"].clone();
    chat.one.log_out().await.ok();
    server.kill_9();
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    chat.one.get("messages").await.fails(401);
    let old = json!({"returnCode": chat.one.return_code});
    try_login(&server.api(), &chat.hash, "Abhi", old)
        .await
        .fails(403);
    let code = json!({"returnCode": code});
    let back = Person::log_in_by(&server.api(), &chat.hash, "Abhi", code).await;
    assert_eq!(back.texts().await, ["Hello"]);
}
