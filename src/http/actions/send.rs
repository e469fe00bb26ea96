use actors::{
    Refusal, SendMessage, Sent,
    domain::{ChatKey, PairHash, SentText, Timestamp, UserName},
};
use uuid::Uuid;

use super::{Caller, of_session};
use crate::http::State;

/// A message to be sent.
pub struct SendRequest {
    /// The chat that its client believes it goes to.
    pub hash: Option<PairHash>,
    /// Its name.
    pub id: Uuid,
    /// What it says.
    pub text: SentText,
    /// The sender's clock.
    pub sent_at: Option<Timestamp>,
    /// Who its client believes sends it.
    pub sender: Option<UserName>,
    /// Who its client believes gets it.
    pub recipient: Option<UserName>,
}

/// Sends a message; it is durable then. Where it is refused nothing was stored, save for
/// [`Refusal::Unavailable`], where that is unknown.
pub async fn send(state: &State, caller: &Caller, message: SendRequest) -> Result<Sent, Refusal> {
    let claimed = message.hash.as_ref().map(ChatKey::of);
    if claimed.is_some_and(|key| key != caller.key) {
        // Whether the session lives comes first.
        caller.look(state).await?;
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
    let sent = state.pairs.ask(caller.key, message).await;
    sent.map_err(of_session)
}
