//! Other people's tokens, tokens of chats that ended, and what is no token.

use serde_json::{Value, json};

use super::{Body, Expect, JSON, Row, UUID, Who, wrong};

/// The rows.
pub fn rows() -> Vec<Row> {
    let as_who = |what: &str, who: Who, leaf: &str, body: Option<Value>, expect: Expect| Row {
        what: format!("{what} at {leaf}"),
        who,
        path: format!("/chat-server/user/HASH/{leaf}"),
        kind: JSON,
        body: body.map_or(Body::None, |body| Body::Bytes(body.to_string().into())),
        expect,
    };
    let mut rows = Vec::new();
    let unknown = "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (what, who, expect) in [
        (
            "nobody",
            Who::Nobody,
            Expect::Fails(401, "no_session", None),
        ),
        (
            "no token",
            Who::Token("x"),
            Expect::Fails(401, "no_session", None),
        ),
        (
            "a quote",
            Who::Token("' OR 1=1 --"),
            Expect::Fails(401, "no_session", None),
        ),
        (
            "a stranger",
            Who::Token(unknown),
            Expect::Fails(401, "no_session", None),
        ),
        (
            "another chat's",
            Who::Other,
            Expect::Fails(403, "other_chat", None),
        ),
        (
            "an ended chat's",
            Who::Over,
            Expect::Fails(410, "chat_ended", None),
        ),
    ] {
        for (leaf, body) in [
            ("message_send", Some(json!({"message": "x"}))),
            ("receipt", Some(json!({"read": 0}))),
            ("typing", Some(json!({}))),
            ("device", Some(json!({}))),
            ("return_code", Some(json!({}))),
            ("sessions/end", Some(json!({"id": UUID}))),
            ("answer", Some(json!({"ask": UUID, "allow": true}))),
            ("messages", None),
            ("sessions", None),
        ] {
            rows.push(as_who(what, who, leaf, body, expect));
        }
    }
    for (what, path, expect) in [
        ("a place", "messages?after=x", wrong("after")),
        ("a place", "messages?before=-1", wrong("before")),
        ("a limit", "messages?limit=201", wrong("limit")),
        ("a place", "stream?after=x", wrong("after")),
    ] {
        rows.push(as_who(what, Who::One, path, None, expect));
    }
    rows
}
