//! A damaged chat is its own people's loss and keeps nobody else's from being ended and deleted.

use std::{fs, os::unix::fs::FileExt, path::Path};

use rusqlite::Connection;
use serde_json::json;

use crate::support::{
    Chat, Server, Setup, eventually,
    store::{self, holds},
};

const CHATS: usize = 8;
const PAGE_LEN: usize = 4_096;
/// The first byte of a page that holds rows and leads to no other page.
const LEAF_OF_ROWS: u8 = 0x0a;

fn sweeping_often() -> Setup {
    Setup::new().set("limits.sweep_seconds", 1)
}

/// What a text of a chat begins with.
fn mark(chat: usize) -> String {
    format!("chat <{chat}>")
}

/// Overwrites the pages that hold rows of one of the chats and of no other, as a failing disk does.
fn damage(database: &Path, damaged: usize) {
    let bytes = fs::read(database).unwrap();
    let file = fs::OpenOptions::new().write(true).open(database).unwrap();
    let mut pages = 0;
    for (number, page) in bytes.chunks(PAGE_LEN).enumerate() {
        let held = (0..CHATS).filter(|chat| holds(page, mark(*chat).as_bytes()));
        if page[0] == LEAF_OF_ROWS && held.eq([damaged]) {
            let at = (number * PAGE_LEN) as u64;
            file.write_all_at(&[0xff; PAGE_LEN], at).unwrap();
            pages += 1;
        }
    }
    assert!(pages > 0, "no page is the chat's alone");
}

/// The chats in the order in which their rows lie.
fn in_order(database: &Path) -> Vec<usize> {
    let connection = store::look_into(database);
    let first = "SELECT text FROM messages WHERE seq = 1 ORDER BY key";
    let mut statement = connection.prepare(first).unwrap();
    let texts = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let texts: Vec<String> = texts.map(Result::unwrap).collect();
    let of = |text: &String| (0..CHATS).find(|chat| text.starts_with(&mark(*chat)));
    texts.iter().filter_map(of).collect()
}

async fn until_deletions_fail(server: &Server) {
    eventually("failed deletions are counted and logged", async || {
        let log = server.log();
        (purge_failures(server).await > 0.0 && log.contains("ended chats are not deleted"))
            .then_some(())
    })
    .await;
}

async fn purge_failures(server: &Server) -> f64 {
    let answer = server.ops().get("/metrics").await;
    let of_calls = answer.text().lines();
    let mut of_calls = of_calls.filter(|line| line.starts_with("duet_store_failures_total"));
    let deleting = |line: &&str| line.contains("purge") || line.contains("expire");
    let values = of_calls.by_ref().filter(deleting);
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[tokio::test]
async fn a_chat_with_damaged_pages_keeps_no_other_from_being_deleted() {
    let mut server = sweeping_often().start().await;
    let mut chats = Vec::new();
    for number in 0..CHATS {
        let chat = Chat::begin(&server).await;
        for _ in 0..12 {
            let text = format!("{} {}", mark(number), "x".repeat(900));
            chat.one.say(&text).await;
        }
        chats.push(chat);
    }
    assert_eq!(server.terminate().await.code(), Some(0));
    // The first one is also the first of those that are deleted.
    let order = in_order(&server.database());
    damage(&server.database(), order[0]);
    let server = server.restart().await;
    let chats: Vec<Chat> = chats
        .into_iter()
        .map(|chat| chat.moved_to(&server))
        .collect();
    let damaged = chats[order[0]].two.get("messages?limit=200").await;
    assert_eq!(damaged.status, 500, "{damaged:?}");
    assert_eq!(chats[order[2]].two.texts().await.len(), 12);

    // An end touches no message.
    for chat in &chats {
        chat.two.end().await.ok();
    }
    // The pages of its neighbour are rearranged together with its own.
    let others: Vec<String> = order[2..].iter().map(|chat| mark(*chat)).collect();
    eventually("nothing of the others is left", async || {
        let files = store::files(&server.folder().join("data"));
        let found = |mark: &String| {
            let mut files = files.iter();
            files.any(|(_, bytes)| holds(bytes, mark.as_bytes()))
        };
        (!others.iter().any(found)).then_some(())
    })
    .await;
    until_deletions_fail(&server).await;
    // What is counted besides is still counted.
    eventually("no chat lives", async || {
        (server.metric("duet_chats_live").await == 0.0).then_some(())
    })
    .await;
    // One whose rows belong on the damaged pages cannot: its key decides that, and is drawn at random.
    eventually("a new chat goes on", async || {
        let chat = Chat::begin(&server).await;
        let said = json!({ "message": "We go on." });
        (chat.one.post("message_send", said).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_chat_that_cannot_be_ended_keeps_no_other_from_expiring() {
    let server = sweeping_often().start().await;
    for _ in 0..3 {
        Chat::begin(&server).await;
    }
    let database = Connection::open(server.database()).unwrap();
    database.busy_timeout(crate::support::DEADLINE).unwrap();
    let first = "SELECT hex(key) FROM chats ORDER BY key LIMIT 1";
    let key: String = database.query_row(first, [], |row| row.get(0)).unwrap();
    // It expires first, so that it is the first of all.
    let damage = format!(
        "CREATE TRIGGER damaged BEFORE DELETE ON seats WHEN OLD.key = x'{key}'
         BEGIN SELECT RAISE(ABORT, 'as if it were damaged'); END;
         UPDATE chats SET expires_at = CASE key WHEN x'{key}' THEN 1 ELSE 2 END"
    );
    database.execute_batch(&damage).unwrap();
    let count = "SELECT count(*) FROM seats";
    let left = || -> i64 { database.query_row(count, [], |row| row.get(0)).unwrap() };
    eventually("the others have ended", async || {
        (left() == 2).then_some(())
    })
    .await;
    until_deletions_fail(&server).await;
    database.execute_batch("DROP TRIGGER damaged").unwrap();
    eventually("it has ended as well", async || (left() == 0).then_some(())).await;
    eventually("that is logged", async || {
        server
            .log()
            .contains("ended chats are deleted again")
            .then_some(())
    })
    .await;
}
