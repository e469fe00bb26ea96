//! The rows.

mod bodies;
mod fields;
mod messages;
mod names;
mod people;

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
    [
        bodies::rows(),
        names::rows(),
        fields::rows(),
        messages::rows(),
        people::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
