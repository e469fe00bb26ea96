//! The JSON of the API, the pages and the streams: request bodies, which parse themselves into what
//! [`actions`](super::actions) take or say which field is wrong, and response bodies. A page's form has the same fields as the JSON body of
//! its address.

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

pub use events::{event_frame, notice_frame, ping_frame, retry_frame};

/// A body whose fields do not matter.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct EmptyBody {}

fn shown(name: &Option<UserName>) -> Option<&str> {
    name.as_ref().map(UserName::as_str)
}

fn at(moment: &Option<Timestamp>) -> Option<String> {
    moment.as_ref().map(Timestamp::to_string)
}

/// The version of an encrypted chat's format; absent in a plain chat.
pub fn encryption(encrypted: bool) -> Option<&'static str> {
    encrypted.then_some(Encryption::VERSION)
}
