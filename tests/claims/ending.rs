//! The end of a chat: by either person, by its time, by the operator.

use std::{
    io::Write,
    process::Stdio,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use reqwest::Method;
use serde_json::json;

use crate::support::{
    Answer, Browser, Chat, Server, Setup, Twins, chat::try_login, eventually, store,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64
}

/// Nothing of a chat is read or done any more, by the API or the pages.
async fn assert_over(server: &Server, chat: &Chat) {
    let api = server.api();
    for person in [&chat.one, &chat.two] {
        let person = api.with(&person.token);
        person
            .get(&chat.path("messages"))
            .await
            .fails_as(410, "chat_ended");
        let said = person
            .post(&chat.path("message_send"), json!({"message": "x"}))
            .await;
        said.fails_as(410, "chat_ended");
        assert_eq!(person.get(&chat.path("stream")).await.status, 204);
    }
    for name in ["Abhi", "Anny", "Mallory"] {
        let login = try_login(&api, &chat.hash, name, json!({})).await;
        login.fails_as(410, "chat_ended");
    }
    let names = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": chat.hash});
    api.post("/chat-server/register", names)
        .await
        .fails_as(409, "hash_taken");
    let one = json!({"user": "Abhi", "hash": chat.hash});
    api.post("/chat-server/user1", one)
        .await
        .fails_as(409, "hash_taken");
    let page = Browser::new(server)
        .get(&format!("/demo/chat/user/{}", chat.hash))
        .await;
    assert_eq!(page.status, 410);
}

/// What a server that holds a chat in memory could answer without the store.
const ANSWERED_FROM_MEMORY: [&str; 8] = [
    "message_send from somebody else",
    "message_send to somebody else",
    "login of somebody else",
    "ask of somebody else",
    "user2",
    "state of an ask",
    "login page",
    "another seat",
];

/// A chat with an ask that waits.
async fn asked(server: &Server) -> (Chat, String) {
    let chat = Chat::begin(server).await;
    let ask = json!({"user": "Anny", "hash": chat.hash});
    let asked = server
        .api()
        .post("/chat-server/user/Anny/login/ask", ask)
        .await;
    let ask_id = asked.ok()["askId"].as_str().unwrap().to_owned();
    (chat, ask_id)
}

async fn request(server: &Server, (chat, ask_id): &(Chat, String), what: &str) -> Answer {
    let (api, hash) = (server.api(), &chat.hash);
    let one = chat.one.at(server);
    let mallory = json!({"user": "Mallory", "hash": hash});
    match what {
        "message_send from somebody else" => {
            let body = json!({"message": "x", "senderName": "Mallory"});
            one.post("message_send", body).await
        }
        "message_send to somebody else" => {
            let body = json!({"message": "x", "reciever": "Mallory"});
            one.post("message_send", body).await
        }
        "login of somebody else" => try_login(&api, hash, "Mallory", json!({})).await,
        "ask of somebody else" => {
            let path = "/chat-server/user/Mallory/login/ask";
            api.post(path, mallory).await
        }
        "user2" => api.post("/chat-server/user2", mallory).await,
        "state of an ask" => {
            let path = format!("/chat-server/user/Anny/login/ask/{ask_id}");
            api.get(&path).await
        }
        "login page" => {
            let path = format!("/demo/chat/user/{hash}");
            server.front().get(&path).await
        }
        _ => {
            let path = format!("/demo/chat/user/{hash}/2/messages");
            let call = server.front().call(Method::GET, &path);
            let cookie = format!("duet={}", one.token);
            call.header("Cookie", &cookie).send().await
        }
    }
}

/// Chats that a server holds in memory, one for each request: the first that finds its chat over tells the others.
async fn held_in_memory(made_at: &Server, held_at: &Server) -> Vec<(Chat, String)> {
    let mut chats = Vec::new();
    for what in ANSWERED_FROM_MEMORY {
        let chat = asked(made_at).await;
        assert_ne!(request(held_at, &chat, what).await.status, 410, "{what}");
        chats.push(chat);
    }
    chats
}

async fn assert_each_is_over(server: &Server, chats: &[(Chat, String)]) {
    let mut wrong = Vec::new();
    for (what, chat) in ANSWERED_FROM_MEMORY.iter().zip(chats) {
        let answer = request(server, chat, what).await;
        if answer.status != 410 {
            wrong.push((what, answer.status));
        }
        assert_over(server, &chat.0.moved_to(server)).await;
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Nothing of any chat is left in the tables.
async fn assert_gone(server: &Server) {
    let database = server.database();
    eventually("every row is gone", async || {
        store::rows(&database)
            .values()
            .all(|rows| *rows == 0)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn either_person_ends_the_chat_for_both_by_get_or_by_post() {
    let server = Server::start().await;
    for (method, first) in [(Method::GET, true), (Method::POST, false)] {
        let chat = Chat::begin(&server).await;
        chat.one.say("Hello").await;
        let person = if first { &chat.one } else { &chat.two };
        for _ in 0..2 {
            let end = person.api.call(method.clone(), "/chat-server/user/endchat");
            end.send().await.ok_with(&[]);
        }
        // The other one may end it as well, after the fact.
        chat.one.end().await.ok();
        chat.two.end().await.ok();
        assert_over(&server, &chat).await;
    }
}

#[tokio::test]
async fn an_end_outlives_a_kill_and_leaves_no_row() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for number in 0..50 {
        chat.one.say(&format!("message {number}")).await;
    }
    chat.one.end().await.ok();
    server.kill_9();
    let server = server.restart().await;
    assert_over(&server, &chat).await;
    assert_gone(&server).await;
    assert_over(&server, &chat).await;
}

#[tokio::test]
async fn nothing_of_a_chat_that_ended_is_on_the_disk_within_ten_seconds() {
    let mut server = Server::start().await;
    let names = json!({"userOne": "Ottilie-Wren", "userTwo": "Bartholomew", "hash": "gone-hash"});
    server.api().post("/chat-server/register", names).await.ok();
    let login = crate::support::Person::log_in(&server.api(), "gone-hash", "Ottilie-Wren").await;
    for number in 0..100 {
        login.say(&format!("a-very-private-text {number}")).await;
    }
    login.end().await.ok();
    let ended = Instant::now();
    assert_gone(&server).await;
    assert!(
        ended.elapsed() < Duration::from_secs(10),
        "{:?}",
        ended.elapsed()
    );
    assert!(server.terminate().await.success());
    for (path, bytes) in store::files(&server.folder().join("data")) {
        for text in [
            "a-very-private-text",
            "Ottilie-Wren",
            "Bartholomew",
            "gone-hash",
        ] {
            assert!(
                !store::holds(&bytes, text.as_bytes()),
                "{text} in {}",
                path.display()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_chat_is_gone_within_ten_seconds_too() {
    let server = Setup::new()
        .set("limits.sends_per_seat_burst", 100_000)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let person = chat.one.clone();
        senders.spawn(async move {
            for _ in 0..100 {
                person.say(&"x".repeat(1_000)).await;
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    chat.two.end().await.ok();
    let ended = Instant::now();
    assert_over(&server, &chat).await;
    assert_gone(&server).await;
    assert!(
        ended.elapsed() < Duration::from_secs(10),
        "{:?}",
        ended.elapsed()
    );
}

#[tokio::test]
async fn a_chat_whose_time_is_over_is_as_good_as_ended() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Hello").await;
    assert!(server.terminate().await.success());
    store::set_expiry(&server.database(), now_ms() - 1);
    // At once, without waiting for the sweep.
    let setup = server.setup().set("limits.sweep_seconds", 3_600);
    drop(server);
    let server = setup.start().await;
    assert_over(&server, &chat).await;
    // The sweep makes it true on the disk.
    let setup = server.setup().set("limits.sweep_seconds", 1);
    drop(server);
    let server = setup.start().await;
    assert_gone(&server).await;
    assert_over(&server, &chat).await;
}

#[tokio::test]
async fn a_chat_whose_time_is_over_is_not_answered_from_memory() {
    let setup = Setup::new().set("limits.sweep_seconds", 3_600);
    let server = setup.start().await;
    let chats = held_in_memory(&server, &server).await;
    store::set_expiry(&server.database(), now_ms() - 1);
    assert_each_is_over(&server, &chats).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_known_to_another_server_at_once_though_nothing_tells_it() {
    let mut twins = Twins::start(Setup::new()).await;
    let chats = held_in_memory(&twins.one, &twins.two).await;
    twins.redis.kill();
    for (chat, _) in &chats {
        chat.two.end().await.ok();
    }
    assert_each_is_over(&twins.two, &chats).await;
}

#[tokio::test]
async fn an_expired_chat_ends_its_streams_without_naming_anybody() {
    let mut server = Setup::new().set("limits.sweep_seconds", 1).start().await;
    let chat = Chat::begin(&server).await;
    assert!(server.terminate().await.success());
    let ends_at = now_ms() + 3_000;
    store::set_expiry(&server.database(), ends_at);
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    let mut streams = [chat.one.listen().await, chat.two.listen().await];
    for stream in &mut streams {
        let rest = stream.rest().await;
        let last = rest.last().unwrap();
        assert_eq!(
            (last.event.as_str(), &last.data),
            ("ended", &json!({"by": null}))
        );
        assert!(now_ms() >= ends_at);
    }
    assert_over(&server, &chat).await;
    assert_gone(&server).await;
}

#[tokio::test]
async fn an_operator_ends_a_chat_beside_a_running_server() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Hello").await;
    let mut streams = [chat.one.listen().await, chat.two.listen().await];
    for stream in &mut streams {
        stream.next_of("hello").await;
    }
    let end = || server.setup().arg("end").arg(&chat.hash).run();
    let done = end();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let ended = Instant::now();
    // Nothing can be read from here on; the open pages learn of it a little later.
    chat.one.get("messages").await.fails_as(410, "chat_ended");
    for stream in &mut streams {
        assert_eq!(stream.rest().await.last().unwrap().event, "ended");
    }
    assert!(
        ended.elapsed() < Duration::from_secs(15),
        "{:?}",
        ended.elapsed()
    );
    assert_over(&server, &chat).await;
    assert_gone(&server).await;
    assert!(end().status.success());

    let unknown = server.setup().arg("end").arg("no-such-chat").run();
    assert!(!unknown.status.success());
    let malformed = server.setup().arg("end").arg("?").run();
    assert!(!malformed.status.success());
}

#[tokio::test]
async fn an_operator_may_give_the_link_where_nobody_else_sees_it() {
    let server = Server::start().await;
    for arguments in [&["end"][..], &["end", "-"]] {
        let chat = Chat::begin(&server).await;
        let mut setup = server.setup();
        for argument in arguments {
            setup = setup.arg(argument);
        }
        let link = format!("http://{}/demo/chat/user/{}/1", server.address, chat.hash);
        let mut command = setup.command();
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{link}").unwrap();
        drop(input);
        assert!(child.wait().unwrap().success());
        chat.one.get("messages").await.fails_as(410, "chat_ended");
    }
}

#[tokio::test]
async fn a_tombstone_stands_for_thirty_days() {
    let mut server = Setup::new().set("limits.sweep_seconds", 1).start().await;
    let chat = Chat::begin(&server).await;
    chat.one.end().await.ok();
    assert_gone(&server).await;
    let age = |server: &Server, ms: i64| {
        let database = rusqlite::Connection::open(server.database()).unwrap();
        let older = "UPDATE tombstones SET ended_at = ended_at - ?1";
        assert_eq!(database.execute(older, [ms]).unwrap(), 1);
    };
    assert!(server.terminate().await.success());
    age(&server, 29 * DAY_MS);
    let mut server = server.restart().await;
    assert_over(&server, &chat).await;
    assert!(server.terminate().await.success());
    age(&server, 2 * DAY_MS);
    let server = server.restart().await;
    let names = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": chat.hash});
    eventually("the hash is free again", async || {
        let made = server
            .api()
            .post("/chat-server/register", names.clone())
            .await;
        (made.status == 200).then_some(())
    })
    .await;
}
