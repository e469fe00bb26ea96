//! What is said over HTTP in JSON, by both doors and their streams: the bodies of requests, which
//! parse themselves into what [`actions`](super::actions) take, and of answers. A form of a page has
//! the fields of the body that its address takes as JSON.

pub mod asks;
pub mod events;
pub mod history;
pub mod login;
pub mod messages;
pub mod registration;
pub mod seat;

use actors::domain::{Encryption, Timestamp, UserName};
use serde::Deserialize;
use utoipa::ToSchema;

pub use events::{frame, retry};

/// A body whose fields do not matter.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct NoBody {}

fn shown(name: &Option<UserName>) -> Option<&str> {
    name.as_ref().map(UserName::as_str)
}

fn at(moment: &Option<Timestamp>) -> Option<String> {
    moment.as_ref().map(Timestamp::to_string)
}

/// The version of an encrypted chat's format. Plain chats say nothing of it, as before there were
/// encrypted ones.
pub fn encryption(encrypted: bool) -> Option<&'static str> {
    encrypted.then_some(Encryption::VERSION)
}
