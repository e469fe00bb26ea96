//! Gone means gone: what two people wrote, who they were and what let them in is searched for
//! in everything that outlives a chat.

use std::time::Duration;

use harness::servers::{Kind, Shape};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    Api, Browser, Chat, Person, Secrets, Server, Setup, Twins,
    cluster::Cluster,
    eventually,
    secrets::FILTER,
    store::{self, TABLES},
};

/// How many chats; every other one is ended, the rest expire.
const CHATS: usize = 4;

/// A whole life of a chat at two addresses, or twice at one.
async fn live(one: &Api, two: &Api, secrets: &mut Secrets) -> Chat {
    let id = Uuid::new_v4();
    secrets.add("a registration's id", &id.to_string());
    let names = json!({"userOne": "Ottilie-Quill", "userTwo": "Bartholomew-Wren", "id": id});
    let made = one.post("/chat-server/register", names).await.ok();
    let hash = made["hash"].as_str().unwrap();
    secrets.add("a hash", hash);
    let chat = Chat {
        hash: hash.into(),
        one: Person::log_in(one, hash, "Ottilie-Quill").await,
        two: Person::log_in(two, hash, "Bartholomew-Wren").await,
    };
    let mut streams = [chat.one.listen().await, chat.two.listen().await];
    for person in [&chat.one, &chat.two] {
        secrets.add_token("a token", &person.token);
        secrets.add_code("a return code", person.return_code.as_ref().unwrap());
        let device = person.post("device", json!({})).await.ok();
        secrets.add_code("a device code", device["deviceCode"].as_str().unwrap());
        let fresh = person.post("return_code", json!({})).await.ok();
        secrets.add_code("a new return code", fresh["returnCode"].as_str().unwrap());
        person.say("a-most-private-text").await;
        // Long enough to be kept beside its row.
        let long: String = (0..300).map(|_| Uuid::new_v4().to_string()).collect();
        secrets.add("a long text", &long[9_000..9_100]);
        person.say(&long).await;
        person.post("typing", json!({})).await.ok();
        person.post("receipt", json!({"read": 2})).await.ok();
        let again = json!({"returnCode": fresh["returnCode"]});
        let phone = Person::log_in_by(two, hash, &person.name, again).await;
        secrets.add_token("a second token", &phone.token);
        let ask = json!({"user": person.name, "hash": hash});
        let path = format!("/chat-server/user/{}/login/ask", person.name);
        let asked = one.post(&path, ask).await.ok();
        secrets.add_token("a wish to be let in", asked["askId"].as_str().unwrap());
    }
    for stream in &mut streams {
        stream.next_texts(4).await;
    }
    chat
}

/// Several of them, with everything that must not be found afterwards.
async fn lives(one: &Api, two: &Api) -> (Vec<Chat>, Secrets) {
    let mut secrets = Secrets::default();
    for (what, secret) in [
        ("a name", "Ottilie-Quill"),
        ("a name", "Bartholomew-Wren"),
        ("a text", "a-most-private-text"),
    ] {
        secrets.add(what, secret);
    }
    let mut chats = Vec::new();
    for _ in 0..CHATS {
        chats.push(live(one, two, &mut secrets).await);
    }
    (chats, secrets)
}

/// Every other chat is ended, by one person or the other.
async fn end_some(chats: &[Chat]) {
    for (number, chat) in chats.iter().enumerate().step_by(2) {
        let person = if number % 4 == 0 {
            &chat.one
        } else {
            &chat.two
        };
        person.end().await.ok();
    }
}

/// All of them are over, as far as anybody who was inside can tell.
async fn all_are_over(api: &Api, chats: &[Chat]) {
    for chat in chats {
        let anybody = api.with(&chat.two.token);
        eventually("the chat is over", async || {
            (anybody.get(&chat.path("messages")).await.status == 410).then_some(())
        })
        .await;
    }
}

/// What it says holds nothing; what is left in its memory is printed, as many seconds later as the
/// environment says.
async fn assert_quiet(server: &Server, secrets: &Secrets) {
    let metrics = server.ops().get("/metrics").await;
    secrets.assert_not_in("the metrics", metrics.text());
    secrets.assert_not_in("the log", &server.log());
    secrets.assert_not_in("what it printed", &server.said().join("\n"));
    let told = std::env::var("DUET_MEMORY_AFTER_SECONDS").ok();
    if let Some(seconds) = told {
        tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap())).await;
    }
    let left = secrets.found_in(&server.memory());
    println!("{} in the memory of the process: {left:?}", left.len());
}

fn talkative() -> Setup {
    Setup::new().set("log.filter", FILTER)
}

#[tokio::test]
async fn nothing_of_a_chat_is_left_in_postgresql_in_redis_or_in_a_log() {
    let twins = Twins::start(talkative()).await;
    let (chats, secrets) = lives(&twins.one.api(), &twins.two.api()).await;
    let database = twins.database().await;
    // Now and then PostgreSQL does so by itself, and keeps samples of what it finds.
    database.batch_execute("ANALYZE").await.unwrap();
    let before = secrets.found_in(&twins.postgres.dump().unwrap()).len();
    assert!(before >= 3, "this would not find anything");

    end_some(&chats).await;
    let expire = database.execute("UPDATE chats SET expires_at = now_ms()", &[]);
    assert!(expire.await.unwrap() > 0);
    all_are_over(&twins.one.api(), &chats).await;
    all_are_over(&twins.two.api(), &chats).await;
    eventually("every row is gone", async || {
        for table in TABLES {
            let count = format!("SELECT count(*) FROM {table}");
            let row = database.query_one(&count, &[]).await.unwrap();
            if row.get::<_, i64>(0) > 0 {
                return None;
            }
        }
        Some(())
    })
    .await;

    secrets.assert_not_in_bytes("the dump", &twins.postgres.dump().unwrap());
    secrets.assert_not_in_bytes("Redis", &twins.redis.dump().unwrap());
    for rewrite in ["VACUUM FULL", "CHECKPOINT"] {
        database.batch_execute(rewrite).await.unwrap();
    }
    for (path, bytes) in store::files(&twins.postgres.data()) {
        // The log of writes keeps what was written until it is recycled.
        if !path.components().any(|part| part.as_os_str() == "pg_wal") {
            secrets.assert_not_in_bytes(&path.display().to_string(), &bytes);
        }
    }
    secrets.assert_not_in("PostgreSQL's log", &twins.postgres.log());
    for server in [&twins.one, &twins.two] {
        assert_quiet(server, &secrets).await;
    }
}

#[tokio::test]
async fn nothing_of_a_chat_is_left_in_the_embedded_store_or_in_a_log() {
    let server = talkative().start().await;
    let (chats, secrets) = lives(&server.api(), &server.api()).await;
    end_some(&chats).await;
    store::set_expiry(&server.database(), 0);
    all_are_over(&server.api(), &chats).await;
    eventually("every row is gone", async || {
        let rows = store::rows(&server.database());
        rows.values().all(|rows| *rows == 0).then_some(())
    })
    .await;
    store::checkpoint(&server.database()).await;
    for (path, bytes) in store::files(&server.folder().join("data")) {
        secrets.assert_not_in_bytes(&path.display().to_string(), &bytes);
    }
    assert_quiet(&server, &secrets).await;
}

#[tokio::test]
async fn nothing_of_a_chat_stands_in_a_log_behind_haproxy() {
    no_log_tells(Kind::Haproxy).await;
}

#[tokio::test]
async fn nothing_of_a_chat_stands_in_a_log_behind_nginx() {
    no_log_tells(Kind::Nginx).await;
}

#[tokio::test]
async fn nothing_of_a_chat_stands_in_a_log_behind_caddy() {
    no_log_tells(Kind::Caddy).await;
}

/// People come through the proxy, to the API and to the pages, while all is well and while no
/// instance is there.
async fn no_log_tells(kind: Kind) {
    let mut cluster = Cluster::start(kind, Shape::Alike, &[("log.filter", FILTER)]);
    let api = cluster.api();
    let (chats, mut secrets) = lives(&api, &api).await;
    let mut browser = Browser::through(api.clone());
    let hash = browser.register().await;
    secrets.add("a hash of the pages", &hash);
    let home = format!("/demo/chat/user/{hash}/1");
    browser.get(&home).await;
    browser.get(&format!("{home}/nowhere?{hash}")).await;
    for chat in &chats {
        chat.one.end().await.ok();
        chat.two.get("messages").await.fails(410);
    }
    for instance in &mut cluster.site.instances {
        instance.kill();
    }
    for chat in &chats {
        let path = format!("{}?{}", chat.path("messages"), chat.one.token);
        assert!(chat.one.api.get(&path).await.status >= 500);
        assert!(browser.get(&format!("{home}?{hash}")).await.status >= 500);
    }
    eventually("the proxy has logged that", async || {
        (!cluster.site.balancer.log().is_empty()).then_some(())
    })
    .await;
    secrets.assert_not_in("the proxy's log", &cluster.site.balancer.log());
    for instance in &cluster.site.instances {
        assert!(
            instance.log().contains("answered"),
            "this log tells nothing"
        );
        secrets.assert_not_in("an instance's log", &instance.log());
    }
}
