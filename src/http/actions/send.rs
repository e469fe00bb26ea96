use actors::{
    Refusal, SendMessage, Sent,
    domain::{ChatKey, IncomingText, PairHash, Timestamp, UserName},
};
use uuid::Uuid;

use super::Caller;
use crate::http::State;

/// A message to be sent.
pub struct SendRequest {
    /// The hash that the client claims, to be checked against the session.
    pub hash: Option<PairHash>,
    /// Its id, chosen by the client or made up here.
    pub id: Uuid,
    /// Its text.
    pub text: IncomingText,
    /// The sender's clock.
    pub sent_at: Option<Timestamp>,
    /// The sender's name that the client claims.
    pub sender: Option<UserName>,
    /// The recipient's name that the client claims.
    pub recipient: Option<UserName>,
}

/// Sends a message and returns when it is durable. After a refusal nothing was stored, except after
/// [`Refusal::Unavailable`], where the outcome is unknown.
pub async fn send(state: &State, caller: &Caller, message: SendRequest) -> Result<Sent, Refusal> {
    let claimed = message.hash.as_ref().map(ChatKey::of);
    if claimed.is_some_and(|key| key != caller.key) {
        // A dead session is reported first.
        caller.snapshot(state).await?;
        return Err(Refusal::Disagrees { field: "userHash" });
    }
    let message = SendMessage {
        by: caller.by,
        id: message.id,
        text: message.text,
        sent_at: message.sent_at,
        sender: message.sender,
        recipient: message.recipient,
    };
    caller.ask(state, message).await
}
