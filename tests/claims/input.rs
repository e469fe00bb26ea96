//! Bad input, as one table: what is sent where, and what comes of it. After every row the history
//! is what it was, and nothing was stored.

mod table;

use reqwest::Method;

use crate::support::{Answer, Chat, POST, Server, store};
use table::{Body, Expect, Row, Who, rows};

struct World {
    server: Server,
    chat: Chat,
    other: Chat,
    over: Chat,
}

impl World {
    async fn begin() -> Self {
        let server = Server::start().await;
        let chat = Chat::begin(&server).await;
        chat.one.say("before").await;
        chat.one
            .api
            .post(
                "/chat-server/register",
                serde_json::json!({
                    "userOne": "Abhi", "userTwo": "Anny", "hash": "taken-hash",
                }),
            )
            .await
            .ok();
        let other = Chat::begin(&server).await;
        let over = Chat::begin(&server).await;
        over.one.end().await.ok();
        Self {
            server,
            chat,
            other,
            over,
        }
    }

    async fn send(&self, row: &Row) -> Answer {
        let path = row
            .path
            .replace("HASH", &self.chat.hash)
            .replace("OVER", &self.over.hash);
        let api = match row.who {
            Who::Nobody => self.server.api(),
            Who::One => self.chat.one.api.clone(),
            Who::Other => self.other.one.api.clone(),
            Who::Over => self.over.one.api.clone(),
            Who::Token(token) => self.server.api().with(token),
        };
        let call = match &row.body {
            Body::None => api.call(Method::GET, &path),
            Body::Bytes(bytes) => {
                let bytes = fill(bytes, b"HASH", self.chat.hash.as_bytes());
                let bytes = fill(&bytes, b"OVER", self.over.hash.as_bytes());
                api.call(POST, &path).body(row.kind, bytes)
            }
        };
        call.send().await
    }
}

fn fill(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut filled = Vec::new();
    let mut rest = bytes;
    // Every placeholder stands near the beginning; the long bodies behind are copied whole.
    while let Some(at) = rest[..rest.len().min(400)]
        .windows(what.len())
        .position(|w| w == what)
    {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    filled.extend_from_slice(rest);
    filled
}

#[tokio::test]
async fn bad_input_is_answered_as_documented_and_stores_nothing() {
    let world = World::begin().await;
    let database = world.server.database();
    let mut wrong = Vec::new();
    for row in rows() {
        let before = store::rows(&database);
        let answer = world.send(&row).await;
        let found = match (row.expect, answer.status) {
            (Expect::Ok, 200) => {
                answer.ok();
                continue;
            }
            (Expect::Ok, _) | (Expect::Fails(..), 200) => format!("{answer:?}"),
            (Expect::Fails(code, error, field), _) => {
                let data = answer.fails(answer.status);
                let as_told = answer.status == code
                    && data["error"] == error
                    && field.is_none_or(|field| data["field"] == field);
                match as_told {
                    true => String::new(),
                    false => format!("{answer:?}"),
                }
            }
        };
        if !found.is_empty() {
            wrong.push(format!(
                "{}: wanted {:?}, got {found}",
                row.what, row.expect
            ));
        }
        if matches!(row.expect, Expect::Fails(..)) && store::rows(&database) != before {
            wrong.push(format!("{}: something was stored", row.what));
        }
    }
    let texts = world.chat.two.texts().await;
    assert_eq!(texts[0], "before");
    assert!(
        texts[1..].iter().all(|text| text.starts_with("good")),
        "{texts:?}"
    );
    assert_eq!(world.other.one.texts().await.len(), 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // And it still works.
    world.chat.one.say("after").await;
}
