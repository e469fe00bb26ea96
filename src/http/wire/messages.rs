//! Messages, and how far they have come.

use actors::{
    Refusal, Sent,
    domain::{Invalid, Marks, Message, Names, PairHash, Seq, Timestamp, UserName},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::ToSchema;
use uuid::Uuid;

use super::shown;
use crate::http::{
    actions::SendRequest,
    field, integers,
    problem::{Problem, Result},
    schema::{DateTime, Hash, Id, MessageSeq, Name, Text, TextOrSealed},
};

/// A message to be sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userHash": "abc123", "senderName": "Abhi", "reciever": "Anny", "message": "Hello",
    "timestamp": "2026-11-23T10:00:00.000Z", "id": "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11",
}))]
pub struct SendBody {
    /// The link's secret part again.
    #[schema(value_type = Option<Hash>)]
    pub user_hash: Option<Typed<String>>,
    /// The sender's name; agrees with the session.
    #[schema(value_type = Option<Name>)]
    pub sender_name: Option<Typed<String>>,
    /// The recipient's name, as its first client spelled it.
    #[schema(value_type = Option<Name>)]
    pub reciever: Option<Typed<String>>,
    /// The same, spelled as in a dictionary.
    #[schema(value_type = Option<Name>)]
    pub receiver: Option<Typed<String>>,
    /// Its text. In an encrypted chat, the ciphertext: `v1.` and base64url, up to 32 KiB.
    #[schema(required, value_type = Text)]
    pub message: Option<String>,
    /// The sender's clock, RFC 3339.
    #[schema(value_type = Option<DateTime>)]
    pub timestamp: Option<Typed<String>>,
    /// The message's id: a message with the same id is stored once.
    #[schema(value_type = Option<Id>)]
    pub id: Option<Typed<Uuid>>,
}

/// A field whose type is checked by `parse`: a text that is too long (413) is reported before a field of the wrong type (400).
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Typed<T> {
    /// Of the type that is wanted.
    Right(T),
    /// Of another one.
    Wrong(IgnoredAny),
}

fn checked<T, U>(
    field: Option<Typed<T>>,
    name: &'static str,
    parse: impl Fn(T) -> Result<U, Invalid>,
) -> Result<Option<U>> {
    match field {
        Some(Typed::Right(value)) => Ok(Some(parse(value).map_err(Refusal::invalid(name))?)),
        Some(Typed::Wrong(_)) => Err(Problem::wrong_type(name)),
        None => Ok(None),
    }
}

impl SendBody {
    /// Parses the fields.
    pub fn parse(self) -> Result<SendRequest> {
        let text = field::text(self.message)?;
        let hash = checked(self.user_hash, "userHash", |text| PairHash::parse(&text))?;
        let sent_at = checked(self.timestamp, "timestamp", |text| {
            Timestamp::parse_rfc3339(&text)
        })?;
        let name = |typed, field| checked(typed, field, |text: String| UserName::parse(&text));
        let reciever = name(self.reciever, "reciever")?;
        let receiver = name(self.receiver, "receiver")?;
        if reciever.is_some() && receiver.is_some() && reciever != receiver {
            let message = "\"reciever\" and \"receiver\" name two people. Send one of them.";
            return Err(Problem::invalid("receiver", message));
        }
        Ok(SendRequest {
            text,
            hash,
            sent_at,
            sender: name(self.sender_name, "senderName")?,
            recipient: reciever.or(receiver),
            id: checked(self.id, "id", Ok)?.unwrap_or_else(Uuid::new_v4),
        })
    }
}

/// A message that is durable.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendReply {
    /// Its `seq` in the chat.
    #[schema(value_type = MessageSeq)]
    pub seq: Seq,
    /// Its id.
    #[schema(value_type = Id)]
    pub id: Uuid,
    /// The server's clock.
    #[schema(value_type = DateTime)]
    pub timestamp: String,
    /// Whether the recipient has a stream open on any instance; null while that is unknown.
    #[schema(required)]
    pub online: Option<bool>,
}

impl From<Sent> for SendReply {
    fn from(sent: Sent) -> Self {
        Self {
            seq: sent.seq,
            id: sent.id,
            timestamp: sent.at.to_string(),
            online: sent.online,
        }
    }
}

/// How far the caller has received and read.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"delivered": 41, "read": 40}))]
pub struct ReceiptBody {
    /// The last `seq` that reached one of the seat's clients.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(value_type = Option<MessageSeq>)]
    pub delivered: Option<Seq>,
    /// The last `seq` that was in a visible page.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(value_type = Option<MessageSeq>)]
    pub read: Option<Seq>,
}

impl ReceiptBody {
    /// Its fields, of which a client may leave out all but one.
    pub const MARKS: [&'static str; 2] = ["delivered", "read"];

    /// Parses the marks, of which at least one is required.
    pub fn parse(&self) -> Result<Marks> {
        if self.delivered.is_none() && self.read.is_none() {
            return Err(Problem::Missing("delivered"));
        }
        Ok(Marks {
            delivered: self.delivered.unwrap_or(0),
            read: self.read.unwrap_or(0),
        })
    }
}

/// A message, in a page of the history and as an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub struct MessageView<'a> {
    /// Its `seq` in the chat.
    #[schema(value_type = MessageSeq)]
    pub seq: Seq,
    /// Its id.
    #[schema(value_type = Id)]
    pub id: Uuid,
    /// Its sender.
    #[schema(value_type = Name)]
    pub sender_name: &'a str,
    /// Its recipient; null while unnamed.
    #[schema(required, value_type = Option<Name>)]
    pub reciever: Option<&'a str>,
    /// Its text; in an encrypted chat as its client encrypted it.
    #[schema(value_type = TextOrSealed)]
    pub message: &'a str,
    /// The server's clock.
    #[schema(value_type = DateTime)]
    pub timestamp: String,
}

impl<'a> MessageView<'a> {
    /// A message between the chat's two people.
    pub fn of(message: &'a Message, names: &'a Names) -> Self {
        Self {
            seq: message.seq,
            id: message.id,
            sender_name: shown(&names[message.seat]).unwrap_or_default(),
            reciever: shown(&names[message.seat.other()]),
            message: message.text.as_str(),
            timestamp: message.at.to_string(),
        }
    }
}
