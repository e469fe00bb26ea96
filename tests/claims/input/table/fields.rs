//! Fields of a wrong kind, missing, null and unknown.

use serde_json::{Value, json};

use super::{Expect, LOGIN, MALFORMED, REGISTER, Row, SEND, UUID, data, missing, wrong};

/// The rows.
pub fn rows() -> Vec<Row> {
    let full = |path: &str| match path {
        REGISTER => json!({"userOne": "Abhi", "userTwo": "Anny"}),
        "/chat-server/user1" => json!({"user": "Abhi"}),
        SEND => json!({"message": "x"}),
        path if path.contains("HASH") => json!({}),
        _ => json!({"user": "Anny", "hash": "HASH"}),
    };
    let kinds = [json!(5), json!(true), json!([]), json!({}), json!(1.5)];
    let mut rows = Vec::new();
    for (path, needed, optional) in [
        (REGISTER, vec!["userOne", "userTwo"], vec!["hash", "id"]),
        ("/chat-server/user1", vec!["user"], vec!["hash", "id"]),
        ("/chat-server/user2", vec!["user", "hash"], vec![]),
        (
            LOGIN,
            vec!["user", "hash"],
            vec!["returnCode", "deviceCode", "askId", "id"],
        ),
        (
            "/chat-server/user/Anny/login/ask",
            vec!["user", "hash"],
            vec![],
        ),
        (
            SEND,
            vec!["message"],
            vec![
                "userHash",
                "senderName",
                "reciever",
                "receiver",
                "timestamp",
                "id",
            ],
        ),
    ] {
        for field in needed.iter().chain(&optional) {
            for kind in &kinds {
                let mut body = full(path);
                body[*field] = kind.clone();
                rows.push(data(
                    &format!("{field} is {kind}"),
                    path,
                    body,
                    wrong(field),
                ));
            }
        }
        for field in needed {
            let mut body = full(path);
            body[field] = Value::Null;
            rows.push(data(
                &format!("{field} is null"),
                path,
                body.clone(),
                missing(field),
            ));
            body.as_object_mut().unwrap().remove(field);
            rows.push(data(
                &format!("{field} is missing"),
                path,
                body,
                missing(field),
            ));
        }
    }
    for hash in [
        "",
        "abc12",
        "abc 123",
        "abc123!",
        "abc/def",
        "ábc123",
        "abc123\u{0}",
        &"x".repeat(65),
    ] {
        let what = format!("the hash {hash:?}");
        let mut body = full(REGISTER);
        body["hash"] = json!(hash);
        rows.push(data(&what, REGISTER, body, wrong("hash")));
        for path in [
            LOGIN,
            "/chat-server/user2",
            "/chat-server/user/Anny/login/ask",
        ] {
            let body = json!({"user": "Anny", "hash": hash});
            rows.push(data(&what, path, body, wrong("hash")));
        }
    }
    for (path, field, value) in [
        (REGISTER, "ttlHours", json!("24")),
        (REGISTER, "ttlHours", json!(0)),
        (REGISTER, "ttlHours", json!(721)),
        (REGISTER, "ttlHours", json!(1e300)),
        (REGISTER, "id", json!("not a UUID")),
        (LOGIN, "id", json!("not a UUID")),
        (LOGIN, "returnCode", json!("")),
        (LOGIN, "returnCode", json!("short")),
        (LOGIN, "deviceCode", json!("0000-0000-0000-000U")),
        (LOGIN, "askId", json!("x")),
        (SEND, "id", json!("")),
        (SEND, "id", json!("not a UUID")),
        (SEND, "userHash", json!("")),
        (SEND, "timestamp", json!("")),
        (SEND, "timestamp", json!("yesterday")),
        (SEND, "timestamp", json!("2026-02-30T00:00:00Z")),
        (SEND, "timestamp", json!("2026-11-23")),
        ("/chat-server/user/HASH/receipt", "read", json!("1")),
        ("/chat-server/user/HASH/receipt", "read", json!(-1)),
        ("/chat-server/user/HASH/receipt", "delivered", json!(1.5)),
        ("/chat-server/user/HASH/receipt", "delivered", json!(99)),
        ("/chat-server/user/HASH/receipt", "read", json!(u64::MAX)),
        ("/chat-server/user/HASH/receipt", "read", json!([1])),
        ("/chat-server/user/HASH/sessions/end", "id", json!("x")),
        ("/chat-server/user/HASH/sessions/end", "id", json!(1)),
    ] {
        let mut body = full(path);
        body[field] = value.clone();
        rows.push(data(
            &format!("{field} is {value}"),
            path,
            body,
            wrong(field),
        ));
    }
    let answer = "/chat-server/user/HASH/answer";
    rows.push(data(
        "no ask",
        answer,
        json!({"allow": true}),
        missing("ask"),
    ));
    rows.push(data(
        "no verdict",
        answer,
        json!({"ask": UUID}),
        missing("allow"),
    ));
    rows.push(data(
        "a word for yes",
        answer,
        json!({"ask": UUID, "allow": "yes"}),
        wrong("allow"),
    ));
    let nothing = json!({});
    rows.push(data(
        "no id",
        "/chat-server/user/HASH/sessions/end",
        nothing.clone(),
        missing("id"),
    ));
    rows.push(data(
        "no mark",
        "/chat-server/user/HASH/receipt",
        nothing,
        missing("delivered"),
    ));
    let taken = json!({"userOne": "A", "userTwo": "B", "hash": "taken-hash", "x": {"y": []}});
    rows.push(data(
        "unknown fields",
        REGISTER,
        taken,
        Expect::Fails(409, "hash_taken", None),
    ));
    let codes = json!({"user": "Anny", "hash": "HASH", "returnCode": "0000-0000-0000-0000",
        "deviceCode": "0000-0000-0000-0000"});
    rows.push(data("two codes", LOGIN, codes, MALFORMED));
    rows
}
