//! Messages, marks and typing.

use actix_web::{HttpResponse, web};
use actors::{
    Receipt, Refusal, SendMessage, Sent, Typing,
    domain::{ChatKey, Marks, PairHash, SentText, Seq, Timestamp, UserName},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::registration::NoBody;
use crate::http::{
    State,
    body::Json,
    envelope::{Envelope, Nothing, ok},
    field, integers,
    problem::Problem,
    schema::{Hash, Id, Moment, Name, Place, Text},
    session::{Bearer, Caller, of_session},
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
    pub user_hash: Option<String>,
    /// The sender's name; agrees with the session.
    #[schema(value_type = Option<Name>)]
    pub sender_name: Option<String>,
    /// The recipient's name, as its first client spelled it.
    #[schema(value_type = Option<Name>)]
    pub reciever: Option<String>,
    /// The same, spelled as in a dictionary.
    #[schema(value_type = Option<Name>)]
    pub receiver: Option<String>,
    /// What it says. In an encrypted chat, what its client sealed: `v1.` and base64url, up to 32 KiB.
    #[schema(required, value_type = Text)]
    pub message: Option<String>,
    /// The sender's clock, RFC 3339.
    #[schema(value_type = Option<Moment>)]
    pub timestamp: Option<String>,
    /// The message's name: the same again is stored once.
    #[schema(value_type = Option<Id>)]
    pub id: Option<Uuid>,
}

/// A message that is durable.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendReply {
    /// Its place in the chat.
    #[schema(value_type = Place)]
    pub seq: Seq,
    /// Its name.
    #[schema(value_type = Id)]
    pub id: Uuid,
    /// The server's clock.
    #[schema(value_type = Moment)]
    pub timestamp: String,
    /// Whether the recipient has a stream open on any instance; null while that cannot be said.
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

/// Sends a message. The answer comes when it is durable.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/message_send", tag = "chat", request_body = SendBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<SendReply>))
)]
pub async fn send(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    Json(body): Json<SendBody>,
) -> Result<HttpResponse, Problem> {
    let request = SendRequest::parse(body)?;
    let caller = bearer.at(&state, &hash).await?;
    Ok(ok(SendReply::from(request.post(&state, &caller).await?)))
}

/// A message whose fields were all understood.
pub struct SendRequest {
    hash: Option<PairHash>,
    id: Uuid,
    text: SentText,
    sent_at: Option<Timestamp>,
    sender: Option<UserName>,
    recipient: Option<UserName>,
}

impl SendRequest {
    /// Understands the fields.
    ///
    /// # Errors
    /// [`Problem`] 400 or 413 names the field.
    pub fn parse(body: SendBody) -> Result<Self, Problem> {
        let text = field::text(body.message)?;
        let name = |text: Option<String>, field| {
            text.map(|text| UserName::parse(&text).map_err(Refusal::invalid(field)))
                .transpose()
        };
        let hash = body.user_hash.map(|text| PairHash::parse(&text));
        let sent_at = body.timestamp.map(|text| Timestamp::parse_rfc3339(&text));
        let reciever = name(body.reciever, "reciever")?;
        let receiver = name(body.receiver, "receiver")?;
        if reciever.is_some() && receiver.is_some() && reciever != receiver {
            let message = "\"reciever\" and \"receiver\" name two people. Send one of them.";
            return Err(Problem::invalid("receiver", message));
        }
        Ok(Self {
            text,
            hash: hash.transpose().map_err(Refusal::invalid("userHash"))?,
            sent_at: sent_at.transpose().map_err(Refusal::invalid("timestamp"))?,
            sender: name(body.sender_name, "senderName")?,
            recipient: reciever.or(receiver),
            id: body.id.unwrap_or_else(Uuid::new_v4),
        })
    }

    /// Sends it.
    ///
    /// # Errors
    /// [`Problem`] says why not; nothing was stored then, save for 503, where that is unknown.
    pub async fn post(self, state: &State, caller: &Caller) -> Result<Sent, Problem> {
        if self
            .hash
            .is_some_and(|hash| ChatKey::of(&hash) != caller.key)
        {
            // Whether the session lives comes first.
            caller.look(state).await?;
            return Err(Refusal::Disagrees { field: "userHash" }.into());
        }
        let send = SendMessage {
            by: caller.by,
            id: self.id,
            text: self.text,
            sent_at: self.sent_at,
            sender: self.sender,
            recipient: self.recipient,
        };
        state.pairs.ask(caller.key, send).await.map_err(of_session)
    }
}

/// How far the sender's seat has come.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"delivered": 41, "read": 40}))]
pub struct ReceiptBody {
    /// Everything up to here reached one of the seat's browsers.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(value_type = Option<Place>)]
    pub delivered: Option<Seq>,
    /// Everything up to here stood in a visible page.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(value_type = Option<Place>)]
    pub read: Option<Seq>,
}

/// Moves the marks of one's seat; they never move back.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/receipt", tag = "chat", request_body = ReceiptBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn receipt(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    Json(body): Json<ReceiptBody>,
) -> Result<HttpResponse, Problem> {
    let marks = marks(&body)?;
    let caller = bearer.at(&state, &hash).await?;
    acknowledge(&state, &caller, marks).await?;
    Ok(ok(Nothing {}))
}

/// Understands the marks: at least one of them.
///
/// # Errors
/// [`Problem`] 400 when there is none.
pub fn marks(body: &ReceiptBody) -> Result<Marks, Problem> {
    if body.delivered.is_none() && body.read.is_none() {
        return Err(Problem::Missing("delivered"));
    }
    Ok(Marks {
        delivered: body.delivered.unwrap_or(0),
        read: body.read.unwrap_or(0),
    })
}

/// Moves the marks.
///
/// # Errors
/// [`Problem`] says why not.
pub async fn acknowledge(state: &State, caller: &Caller, marks: Marks) -> Result<(), Problem> {
    let receipt = Receipt {
        by: caller.by,
        marks,
    };
    state
        .pairs
        .ask(caller.key, receipt)
        .await
        .map_err(of_session)
}

/// Says that one is writing.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/typing", tag = "chat", request_body = NoBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn typing(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.at(&state, &hash).await?;
    say_typing(&state, &caller).await?;
    Ok(ok(Nothing {}))
}

/// Passes it on.
///
/// # Errors
/// [`Problem`] says why not.
pub async fn say_typing(state: &State, caller: &Caller) -> Result<(), Problem> {
    let typing = Typing { by: caller.by };
    state
        .pairs
        .ask(caller.key, typing)
        .await
        .map_err(of_session)
}
