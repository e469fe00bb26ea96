//! What the server never has: texts, the link's fragment, the keys. It is searched for in the database,
//! in Redis, in logs and metrics, and in the memory of the process while two people talk.

use harness::servers::{Postgres, Redis};
use serde_json::json;

use super::Encrypted;
use crate::support::{Secrets, Server, Setup, secrets::FILTER, store};

const TEXT: &str = "a-most-private-text";

/// Two people talk and one comes back; what of it only they must know.
async fn talk(server: &Server) -> Secrets {
    let api = server.api();
    let chat = Encrypted::begin(&api).await;
    let mut abhi = chat.log_in(&api, "Abhi").await;
    let mut anny = chat.log_in(&api, "Anny").await;
    let mut stream = anny.person.listen().await;
    stream.next_of("hello").await;
    for (number, speaker) in [&mut abhi, &mut anny].into_iter().enumerate() {
        let text = format!("{TEXT}, {number}: {}", "and so on ".repeat(200));
        speaker.say(&chat, &text).await;
        stream.next_of("message").await;
    }
    abhi.person.post("receipt", json!({"read": 2})).await.ok();
    abhi.again(&chat, &api).await.get("messages").await.ok();

    let mut secrets = Secrets::default();
    secrets.add("a text", TEXT);
    secrets.add("a text", "and so on and so on");
    secrets.add_token("the fragment", &format!("v1.{}", chat.secret));
    secrets
}

/// The digest alone is kept of what proves having the link.
async fn proof(server: &Server) -> Secrets {
    let chat = Encrypted::begin(&server.api()).await;
    chat.log_in(&server.api(), "Abhi").await;
    let mut secrets = Secrets::default();
    secrets.add_token("the proof", &format!("v1.{}", chat.keys.auth()));
    secrets
}

#[tokio::test]
async fn sqlite_and_the_process_never_have_a_text_or_a_key() {
    let server = Setup::new().set("log.filter", FILTER).start().await;
    let secrets = talk(&server).await;
    let proof = proof(&server).await;
    secrets.assert_not_in_bytes("the process", &server.memory());
    for (path, bytes) in store::files(&server.folder().join("data")) {
        secrets.assert_not_in_bytes(&path.display().to_string(), &bytes);
        proof.assert_not_in_bytes(&path.display().to_string(), &bytes);
    }
    for told in [&secrets, &proof] {
        told.assert_not_in("the log", &server.log());
        told.assert_not_in("the metrics", server.ops().get("/metrics").await.text());
    }
    assert!(
        store::holds(&server.memory(), b"v1."),
        "it looks in the right place"
    );
}

#[tokio::test]
async fn postgres_and_redis_never_have_a_text_or_a_key() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let setup = Setup::new()
        .set("store.url", postgres.url())
        .set("bus.url", redis.url());
    let server = setup.start().await;
    let secrets = talk(&server).await;
    let proof = proof(&server).await;
    let dump = postgres.dump().unwrap();
    assert!(store::holds(&dump, b"v1."), "it looks in the right place");
    for told in [&secrets, &proof] {
        told.assert_not_in_bytes("PostgreSQL's dump", &dump);
        told.assert_not_in_bytes("Redis", &redis.dump().unwrap());
        for (path, bytes) in store::files(&postgres.data()) {
            told.assert_not_in_bytes(&path.display().to_string(), &bytes);
        }
    }
    secrets.assert_not_in_bytes("the process", &server.memory());
}
