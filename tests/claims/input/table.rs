//! The rows.

use serde_json::{Value, json};

/// Who sends it.
#[derive(Clone, Copy)]
pub enum Who {
    /// Nobody who is known.
    Nobody,
    /// Abhi, in seat 1 of the chat.
    One,
    /// Somebody of another chat.
    Other,
    /// Somebody of a chat that ended.
    Over,
    /// Whoever this token proves.
    Token(&'static str),
}

/// What is sent.
pub enum Body {
    /// Nothing, by GET.
    None,
    /// This, by POST.
    Bytes(Vec<u8>),
}

/// What is to come of it: a success, or status, word and field.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    Ok,
    Fails(u16, &'static str, Option<&'static str>),
}

/// A request. In path and body `HASH` is the chat's hash and `OVER` that of one that ended.
pub struct Row {
    pub what: String,
    pub who: Who,
    pub path: String,
    pub kind: &'static str,
    pub body: Body,
    pub expect: Expect,
}

const JSON: &str = "application/json";
const REGISTER: &str = "/chat-server/register";
const LOGIN: &str = "/chat-server/user/Anny/login";
const SEND: &str = "/chat-server/user/HASH/message_send";
const UUID: &str = "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11";
const KIB: usize = 1024;

const MALFORMED: Expect = Expect::Fails(400, "malformed", None);

const fn wrong(field: &'static str) -> Expect {
    Expect::Fails(400, "invalid_field", Some(field))
}

const fn missing(field: &'static str) -> Expect {
    Expect::Fails(400, "missing_field", Some(field))
}

fn row(what: &str, path: &str, body: impl Into<Vec<u8>>, expect: Expect) -> Row {
    let chat = path.contains("HASH") || path.contains("OVER");
    Row {
        what: format!("{path}: {what}"),
        who: if chat { Who::One } else { Who::Nobody },
        path: path.into(),
        kind: JSON,
        body: Body::Bytes(body.into()),
        expect,
    }
}

fn data(what: &str, path: &str, data: Value, expect: Expect) -> Row {
    row(what, path, json!({ "data": data }).to_string(), expect)
}

/// All rows.
pub fn rows() -> Vec<Row> {
    [bodies(), names(), fields(), messages(), people()]
        .into_iter()
        .flatten()
        .collect()
}

/// Bodies that are no JSON object of this kind, wherever they go.
fn bodies() -> Vec<Row> {
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let nested = deep("[", "]");
    let objects = deep("{\"a\":", "}").replace(":}", ":{}}");
    let mut rows = Vec::new();
    for path in [REGISTER, LOGIN, SEND, "/chat-server/user/HASH/receipt"] {
        let bad: [(&str, Vec<u8>); 14] = [
            ("an empty document", b" ".into()),
            ("half an object", br#"{"data": {"user": "#.into()),
            ("an array", b"[]".into()),
            ("an array in an array", nested.clone().into()),
            ("a string", br#""data""#.into()),
            ("a number", b"5".into()),
            ("true", b"true".into()),
            ("null", b"null".into()),
            ("two documents", b"{}{}".into()),
            ("a comment", b"{} // done".into()),
            ("single quotes", b"{'data': {}}".into()),
            ("not a number", br#"{"data": {"read": NaN}}"#.into()),
            (
                "UTF-16",
                "{\"data\":{}}"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            ),
            (
                "invalid UTF-8",
                b"{\"data\":{\"message\":\"\xff\xfe\"}}".into(),
            ),
        ];
        rows.extend(bad.map(|(what, body)| row(what, path, body, MALFORMED)));
        for (what, body) in [
            ("data is a number", r#"{"data":5}"#),
            ("data is an array", r#"{"data":[{}]}"#),
            ("data is a string", r#"{"data":"{}"}"#),
            ("data is false", r#"{"data":false}"#),
        ] {
            rows.push(row(what, path, body, wrong("data")));
        }
        rows.push(row(
            "an overlong document",
            path,
            " ".repeat(64 * KIB + 1),
            Expect::Fails(413, "body_too_large", None),
        ));
        for (what, kind) in [
            ("text", "text/plain"),
            ("a form", "application/x-www-form-urlencoded"),
        ] {
            let unsupported = Expect::Fails(415, "unsupported_media_type", None);
            let row = row(what, path, "{}", unsupported);
            rows.push(Row { kind, ..row });
        }
    }
    rows.push(row("objects in objects", SEND, objects, missing("message")));
    let deep_text = format!(r#"{{"message":{nested}}}"#);
    rows.push(row("a deep text", SEND, deep_text, wrong("message")));
    let ignored = format!(r#"{{"message":"good: deep","unknown":{nested}}}"#);
    rows.push(row("deep in an unknown field", SEND, ignored, Expect::Ok));
    rows
}

/// Names, wherever a name is given.
fn names() -> Vec<Row> {
    let long = "x".repeat(41);
    let longer = "é".repeat(41);
    let bad = [
        "",
        " ",
        "\u{3000}\u{2003}",
        "a\u{0}b",
        "a\u{7}b",
        "a\nb",
        "a\u{7f}b",
        "a\u{85}b",
        "a\u{200b}b",
        "a\u{200d}b",
        "a\u{2060}b",
        "a\u{feff}b",
        "a\u{ad}b",
        "a\u{202e}b",
        "a\u{202a}b",
        "a\u{2066}b",
        "a\u{2069}b",
        "a\u{200e}b",
        "a\u{61c}b",
        "a\u{2028}b",
        "\u{e0041}",
        "\u{180e}",
        "\u{3164}",
        &long,
        &longer,
    ];
    let mut rows = Vec::new();
    for name in bad {
        let what = format!("the name {name:?}");
        let both = |one: &str, two: &str| json!({"userOne": one, "userTwo": two});
        rows.push(data(&what, REGISTER, both(name, "Anny"), wrong("userOne")));
        rows.push(data(&what, REGISTER, both("Abhi", name), wrong("userTwo")));
        let user = json!({"user": name});
        rows.push(data(&what, "/chat-server/user1", user, wrong("user")));
        let user = json!({"user": name, "hash": "HASH"});
        rows.push(data(
            &what,
            "/chat-server/user2",
            user.clone(),
            wrong("user"),
        ));
        rows.push(data(&what, LOGIN, user.clone(), wrong("user")));
        rows.push(data(
            &what,
            "/chat-server/user/Anny/login/ask",
            user,
            wrong("user"),
        ));
        for field in ["senderName", "reciever", "receiver"] {
            let message = json!({"message": "x", field: name});
            rows.push(data(&what, SEND, message, wrong(field)));
        }
    }
    for (one, two) in [
        ("Abhi", "Abhi"),
        ("Abhi", " aBHI "),
        ("STRASSE", "straße"),
        ("Zoe\u{308}", "zoë"),
    ] {
        let same = json!({"userOne": one, "userTwo": two});
        rows.push(data(
            &format!("{one} and {two}"),
            REGISTER,
            same,
            wrong("userTwo"),
        ));
    }
    rows
}

/// Fields of a wrong kind, missing, null and unknown.
fn fields() -> Vec<Row> {
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

/// Texts.
fn messages() -> Vec<Row> {
    let text = |text: &str| json!({ "message": text });
    let long = Expect::Fails(413, "message_too_long", Some("message"));
    let filled = |length: usize| {
        let body = r#"{"data":{"message":"good: full"}}"#;
        body.to_owned() + &" ".repeat(length - body.len())
    };
    let kib16 = |last: &str| "good".to_owned() + &"x".repeat(16 * KIB - 5) + last;
    vec![
        data("empty", SEND, text(""), wrong("message")),
        data(
            "blank",
            SEND,
            text(" \t\r\n\u{3000}\u{a0}"),
            wrong("message"),
        ),
        data("U+0000", SEND, text("a\u{0}b"), wrong("message")),
        row(
            "a lone surrogate",
            SEND,
            r#"{"message":"\ud800"}"#,
            wrong("message"),
        ),
        row(
            "a lone surrogate",
            SEND,
            r#"{"message":"\udc00 x"}"#,
            wrong("message"),
        ),
        row(
            "swapped",
            SEND,
            r#"{"message":"\udc00\ud800"}"#,
            wrong("message"),
        ),
        row(
            "a pair",
            SEND,
            r#"{"message":"good: \ud83d\ude42"}"#,
            Expect::Ok,
        ),
        row("a bad escape", SEND, r#"{"message":"\x41"}"#, MALFORMED),
        row(
            "a raw line break",
            SEND,
            "{\"message\":\"a\nb\"}",
            MALFORMED,
        ),
        data("16 KiB", SEND, text(&kib16("x")), Expect::Ok),
        data("16 KiB and 1", SEND, text(&kib16("xx")), long),
        data("16 KiB and a half character", SEND, text(&kib16("é")), long),
        row("a body of 64 KiB", SEND, filled(64 * KIB), Expect::Ok),
        row(
            "a body of 64 KiB and 1",
            SEND,
            filled(64 * KIB + 1),
            Expect::Fails(413, "body_too_large", None),
        ),
        data(
            "two recipients",
            SEND,
            json!({"message": "x", "reciever": "Anny",
            "receiver": "Abhi"}),
            wrong("receiver"),
        ),
        data(
            "unknown fields",
            SEND,
            json!({"message": "good: x", "seq": 99, "admin": true,
            "data": {"message": "inner"}}),
            Expect::Ok,
        ),
        row(
            "a field twice",
            SEND,
            r#"{"message":"a","message":"b"}"#,
            MALFORMED,
        ),
        row(
            "invalid UTF-8",
            SEND,
            b"{\"message\":\"a\xc3\x28\"}",
            MALFORMED,
        ),
        row(
            "overlong UTF-8",
            SEND,
            b"{\"message\":\"\xc0\x80\"}",
            MALFORMED,
        ),
        row(
            "a surrogate in UTF-8",
            SEND,
            b"{\"message\":\"\xed\xa0\x80\"}",
            MALFORMED,
        ),
    ]
}

/// Other people's tokens, tokens of chats that ended, and what is no token.
fn people() -> Vec<Row> {
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
