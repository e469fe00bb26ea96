//! Every path of the API that takes part in a chat, as a table that other claims walk along.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api, api::Call};

/// What a path wants to know of its caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Proof {
    /// Nothing: it makes chats.
    None,
    /// A link's hash in the body.
    Link,
    /// The secret of somebody who asked to be let in.
    Ask,
    /// A session of the chat in the address.
    Session,
    /// A session; the address names no chat.
    Token,
}

/// A path with the methods it takes and a body that would do.
pub struct Path {
    pub methods: &'static [Method],
    template: &'static str,
    pub proof: Proof,
    body: &'static str,
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const BOTH: &[Method] = &[Method::GET, Method::POST];

const UUID: &str = "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11";

const fn path(
    methods: &'static [Method],
    template: &'static str,
    proof: Proof,
    body: &'static str,
) -> Path {
    Path {
        methods,
        template,
        proof,
        body,
    }
}

/// All of them. In a template and a body, `HASH` and `ASK` stand for what a test fills in.
pub const PATHS: [Path; 19] = [
    path(POST, "/chat-server/hash", Proof::None, "{}"),
    path(
        POST,
        "/chat-server/register",
        Proof::None,
        r#"{"userOne":"A","userTwo":"B"}"#,
    ),
    path(POST, "/chat-server/user1", Proof::None, r#"{"user":"A"}"#),
    path(
        POST,
        "/chat-server/user2",
        Proof::Link,
        r#"{"user":"Zoe","hash":"HASH"}"#,
    ),
    path(
        POST,
        "/chat-server/user/Anny/login",
        Proof::Link,
        r#"{"user":"Anny","hash":"HASH"}"#,
    ),
    path(
        POST,
        "/chat-server/user/Anny/login/ask",
        Proof::Link,
        r#"{"user":"Anny","hash":"HASH"}"#,
    ),
    path(GET, "/chat-server/user/Anny/login/ask/ASK", Proof::Ask, ""),
    path(
        POST,
        "/chat-server/user/HASH/answer",
        Proof::Session,
        r#"{"ask":"ID","allow":false}"#,
    ),
    path(POST, "/chat-server/user/HASH/device", Proof::Session, "{}"),
    path(
        POST,
        "/chat-server/user/HASH/return_code",
        Proof::Session,
        "{}",
    ),
    path(GET, "/chat-server/user/HASH/sessions", Proof::Session, ""),
    path(
        POST,
        "/chat-server/user/HASH/sessions/end",
        Proof::Session,
        r#"{"id":"ID"}"#,
    ),
    path(
        POST,
        "/chat-server/user/HASH/message_send",
        Proof::Session,
        r#"{"message":"Hello"}"#,
    ),
    path(GET, "/chat-server/user/HASH/messages", Proof::Session, ""),
    path(GET, "/chat-server/user/HASH/stream", Proof::Session, ""),
    path(
        POST,
        "/chat-server/user/HASH/receipt",
        Proof::Session,
        r#"{"delivered":0,"read":0}"#,
    ),
    path(POST, "/chat-server/user/HASH/typing", Proof::Session, "{}"),
    path(BOTH, "/chat-server/user/logout", Proof::Token, "{}"),
    path(BOTH, "/chat-server/user/endchat", Proof::Token, "{}"),
];

/// What a template is filled with.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub hash: &'a str,
    pub ask: &'a str,
}

impl<'a> Place<'a> {
    /// A chat, without anybody who asked.
    pub fn at(hash: &'a str) -> Self {
        Self { hash, ask: "none" }
    }
}

impl Path {
    /// Those that want a certain proof.
    pub fn wanting(proofs: &[Proof]) -> impl Iterator<Item = &'static Path> {
        PATHS.iter().filter(|path| proofs.contains(&path.proof))
    }

    /// Those that take a body.
    pub fn posted() -> impl Iterator<Item = &'static Path> {
        PATHS
            .iter()
            .filter(|path| path.methods.contains(&Method::POST))
    }

    pub fn address(&self, place: Place<'_>) -> String {
        self.template
            .replace("HASH", place.hash)
            .replace("ASK", place.ask)
    }

    pub fn is(&self, leaf: &str) -> bool {
        self.template.ends_with(leaf)
    }

    pub fn body(&self, place: Place<'_>) -> Value {
        let body = self.body.replace("HASH", place.hash).replace("ID", UUID);
        serde_json::from_str(&body).unwrap_or(json!({}))
    }

    /// A request with a good body, for each method the path takes.
    pub fn calls(&self, api: &Api, place: Place<'_>) -> Vec<Call> {
        let call = |method: &Method| {
            let call = api.call(method.clone(), &self.address(place));
            match *method {
                Method::POST => call.json(self.body(place)),
                _ => call,
            }
        };
        self.methods.iter().map(call).collect()
    }

    /// The answers to them.
    pub async fn answers(&self, api: &Api, place: Place<'_>) -> Vec<Answer> {
        let mut answers = Vec::new();
        for call in self.calls(api, place) {
            answers.push(call.send().await);
        }
        answers
    }
}
