//! A damaged chat is its own people's loss and keeps nobody else's from being ended and deleted.

use harness::servers::Postgres;

use super::on;
use crate::support::{Chat, eventually};

/// Makes every change of a chat's rows in a table fail as damaged pages do, for the first chat in the
/// order of their keys.
fn damage(postgres: &Postgres, change: &str, table: &str) {
    let key = postgres
        .run("SELECT key FROM chats ORDER BY key LIMIT 1")
        .unwrap();
    let sql = format!(
        "CREATE FUNCTION damaged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = 'XX001'; END $$;
         CREATE TRIGGER damaged BEFORE {change} ON {table} FOR EACH ROW
             WHEN (OLD.key = '{key}') EXECUTE FUNCTION damaged()"
    );
    postgres.run(&sql).unwrap();
}

fn count(postgres: &Postgres, table: &str) -> String {
    postgres
        .run(&format!("SELECT count(*) FROM {table}"))
        .unwrap()
}

#[tokio::test]
async fn a_chat_with_damaged_messages_keeps_no_other_from_being_deleted() {
    let postgres = Postgres::start().unwrap();
    let server = on(&postgres).set("limits.sweep_seconds", 1).start().await;
    let (one, other) = (Chat::begin(&server).await, Chat::begin(&server).await);
    one.one.say("Hello").await;
    other.one.say("Hello").await;
    damage(&postgres, "DELETE", "messages");
    one.one.end().await.ok();
    other.one.end().await.ok();
    eventually("the whole one is deleted", async || {
        (count(&postgres, "messages") == "1").then_some(())
    })
    .await;
    eventually("the other one is told of", async || {
        let failures = server.metric("duet_store_failures_total").await;
        (failures > 0.0 && server.log().contains("invalid page in block 7")).then_some(())
    })
    .await;
    postgres.run("DROP TRIGGER damaged ON messages").unwrap();
    eventually("both are deleted", async || {
        (count(&postgres, "messages") == "0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_chat_that_cannot_be_ended_keeps_no_other_from_expiring() {
    let postgres = Postgres::start().unwrap();
    let server = on(&postgres).set("limits.sweep_seconds", 1).start().await;
    Chat::begin(&server).await;
    Chat::begin(&server).await;
    damage(&postgres, "DELETE", "seats");
    postgres.run("UPDATE chats SET expires_at = 1").unwrap();
    eventually("the whole one has ended", async || {
        (count(&postgres, "chats") == "1").then_some(())
    })
    .await;
    postgres.run("DROP TRIGGER damaged ON seats").unwrap();
    eventually("both have ended", async || {
        (count(&postgres, "chats") == "0").then_some(())
    })
    .await;
}
