//! What the API answers: sessions, receipts of sends, messages.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::{checker::Seat, sse::Event};

/// A chat that was made.
#[derive(Clone, Debug, Deserialize)]
pub struct Registered {
    /// What names the chat.
    pub hash: String,
}

/// A login: who sends, where, and the proof of it.
#[derive(Clone, Debug)]
pub struct Session {
    /// The chat.
    pub hash: String,
    /// The name it was logged in with.
    pub user: String,
    /// The other person's name, `None` while unnamed.
    pub peer: Option<String>,
    /// The seat.
    pub seat: Seat,
    /// The bearer token.
    pub token: String,
    /// The chat's last `seq` at login.
    pub last_seq: u64,
    /// Shown once, when the seat was first taken.
    pub return_code: Option<String>,
}

/// The answer to a send.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Sent {
    /// The message's place in its chat.
    pub seq: u64,
    /// The message's id, as the server understood it.
    pub id: Uuid,
}

/// A message as streams and history show it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Message<'a> {
    /// Its place in the chat.
    pub seq: u64,
    /// Its id.
    pub id: Uuid,
    /// Its text, borrowed from the body it came in where no escape stood in the way.
    #[serde(borrow, rename = "message")]
    pub text: Cow<'a, str>,
}

/// Where a page of history begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The page that begins behind this `seq`.
    After(u64),
    /// The page that ends before this `seq`.
    Before(u64),
}

/// A page of history.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Page {
    /// In ascending `seq`.
    #[serde(deserialize_with = "owned_messages")]
    pub messages: Vec<Message<'static>>,
    /// Whether there is more in the direction that was asked for.
    pub more: bool,
}

impl<'a> Message<'a> {
    /// The message that an event of a stream brings; `None` for every other kind of event.
    pub fn of(event: &Event<'a>) -> Option<serde_json::Result<Self>> {
        (event.kind == "message").then(|| serde_json::from_str(event.data))
    }

    /// The message with a text of its own.
    pub fn into_owned(self) -> Message<'static> {
        let Self { seq, id, text } = self;
        Message {
            seq,
            id,
            text: Cow::Owned(text.into_owned()),
        }
    }
}

fn owned_messages<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Message<'static>>, D::Error> {
    let messages = Vec::<Message<'de>>::deserialize(from)?;
    Ok(messages.into_iter().map(Message::into_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_borrows_its_text_unless_it_was_escaped() {
        let json = |text: &str| {
            format!(
                r#"{{"seq":1,"id":"{}","senderName":"A","message":"{text}"}}"#,
                Uuid::nil()
            )
        };
        let (plain, escaped) = (json("Grüße"), json("a\\nb"));
        let message: Message<'_> = serde_json::from_str(&plain).unwrap();
        assert!(matches!(message.text, Cow::Borrowed("Grüße")));
        let message: Message<'_> = serde_json::from_str(&escaped).unwrap();
        assert_eq!(message.text, "a\nb");
    }

    #[test]
    fn only_message_events_bring_messages() {
        let data = format!(r#"{{"seq":3,"id":"{}","message":"so"}}"#, Uuid::nil());
        let event = |kind| Event {
            kind,
            data: &data,
            last_event_id: "3",
        };
        assert!(Message::of(&event("receipt")).is_none());
        let message = Message::of(&event("message")).unwrap().unwrap();
        assert_eq!(
            message,
            Message {
                seq: 3,
                id: Uuid::nil(),
                text: "so".into()
            }
        );
    }
}
