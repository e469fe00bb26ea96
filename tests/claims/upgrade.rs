//! A database that 0.1.0 left is brought up to date by the first start, and nothing in it is lost.
//!
//! `upgrade/*.sql` are dumps of what 0.1.0 wrote: a chat with two messages, and one that was ended.
//! `upgrade/*.json` are the links, tokens and codes that it gave out.

use std::fs;

use harness::servers::Postgres;
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, Server, Setup, chat::try_login};

/// A database of PostgreSQL that 0.1.0 left.
pub const FIRST_VERSION: &str = include_str!("upgrade/postgres.sql");

/// The chats of the dumps would have expired by now, and their tombstones been forgotten.
const YOUNGER: &str = "UPDATE chats SET expires_at = 4102444800000;
                       UPDATE tombstones SET ended_at = 4102444800000;";

/// Everything that 0.1.0 promised to somebody still holds.
async fn check_promises_of_0_1_0(server: &Server, given: &str) {
    let given: Value = serde_json::from_str(given).unwrap();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let person = |name: &str, token: String| Person {
        api: server.api().with(&token),
        hash: text("hash"),
        name: name.into(),
        token,
        return_code: None,
    };
    let (abhi, anny) = (person("Abhi", text("abhi")), person("Anny", text("anny")));

    assert_eq!(anny.texts().await, ["Hello", "Grüße 👋"]);
    let mut stream = anny.listen_after(1).await;
    let hello = stream.next_of("hello").await.data;
    assert_eq!(hello["lastSeq"], 2);
    assert_eq!(hello["read"], json!({"1": 2, "2": 0}));
    assert_eq!(stream.next_texts(1).await, ["Grüße 👋"]);

    // The same id is still known, and the next message gets the next seq.
    let id = Uuid::parse_str("0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11").unwrap();
    assert_eq!(abhi.say_as(id, "Hello").await.ok()["seq"], 1);
    assert_eq!(abhi.say("Still there?").await, 3);
    assert_eq!(stream.next_texts(1).await, ["Still there?"]);

    let api = server.api();
    let with_code = json!({"returnCode": text("abhiReturnCode")});
    try_login(&api, &text("hash"), "Abhi", with_code).await.ok();
    let ended = try_login(&api, &text("ended"), "Abhi", json!({})).await;
    ended.fails_as(410, "chat_ended");

    abhi.end().await.ok();
    anny.get("messages").await.fails(410);
}

#[tokio::test]
async fn a_sqlite_file_of_the_first_version_is_served_with_all_it_holds() {
    let mut setup = Setup::new();
    let data = setup.folder().join("data");
    fs::create_dir(&data).unwrap();
    let database = Connection::open(data.join("duet.db")).unwrap();
    database
        .execute_batch(include_str!("upgrade/sqlite.sql"))
        .unwrap();
    database.execute_batch(YOUNGER).unwrap();
    drop(database);

    let server = setup.start().await;
    check_promises_of_0_1_0(&server, include_str!("upgrade/sqlite.json")).await;
}

#[tokio::test]
async fn a_postgresql_database_of_the_first_version_is_served_with_all_it_holds() {
    let postgres = Postgres::start().unwrap();
    postgres.run(FIRST_VERSION).unwrap();
    postgres.run(YOUNGER).unwrap();

    let server = Setup::new().set("store.url", postgres.url()).start().await;
    check_promises_of_0_1_0(&server, include_str!("upgrade/postgres.json")).await;
}
