//! What the owner of a seat can do: answer asks, manage codes and sessions, end the chat.

use actors::{
    AnswerAsk, EndChat, EndSession, ListSessions, NewDeviceCode, NewReturnCode, Refusal,
    domain::{AccessCode, ChatKey, SecretDigest, Session, Timestamp},
    ports::SessionChoice,
};
use uuid::Uuid;

use super::{TokenHolder, of_session};
use crate::http::State;

/// An answer to an ask to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRequest {
    /// The public id of the ask.
    pub ask: Uuid,
    /// Whether the asker may log in.
    pub allow: bool,
}

impl TokenHolder {
    /// Lets somebody in at the other seat, or refuses to.
    pub async fn answer(&self, request: AnswerRequest) -> Result<(), Refusal> {
        let answer = AnswerAsk {
            by: self.by,
            ask_ref: request.ask,
            allow: request.allow,
        };
        self.ask(answer).await
    }

    /// A new return code for the caller's seat; the old one stops working.
    pub async fn new_return_code(&self) -> Result<AccessCode, Refusal> {
        let (by, hash) = (self.by, self.hash.clone());
        self.ask(NewReturnCode { by, hash }).await
    }

    /// A code that logs the caller in on another device, once, and when it expires.
    pub async fn new_device_code(&self) -> Result<(AccessCode, Timestamp), Refusal> {
        let (by, hash) = (self.by, self.hash.clone());
        self.ask(NewDeviceCode { by, hash }).await
    }

    /// The sessions of the caller's seat, the oldest first, and the id of the caller's own.
    pub async fn sessions(&self) -> Result<(Vec<Session>, Uuid), Refusal> {
        self.ask(ListSessions { by: self.by }).await
    }

    /// Ends one of them. Succeeds when it has ended already.
    pub async fn end_session(&self, id: Uuid) -> Result<(), Refusal> {
        let (by, which) = (self.by, SessionChoice::Id(id));
        self.ask(EndSession { by, which }).await
    }
}

/// Ends the session of a token. Succeeds when it has ended already.
pub async fn log_out(state: &State, key: ChatKey, by: SecretDigest) -> Result<(), Refusal> {
    let which = SessionChoice::Own;
    match state.pairs.ask(key, EndSession { by, which }).await {
        Ok(()) | Err(Refusal::NoSession) => Ok(()),
        Err(refusal) => Err(of_session(refusal)),
    }
}

/// Ends a chat for both. Succeeds when it is over already.
pub async fn end_chat(state: &State, key: ChatKey, by: SecretDigest) -> Result<(), Refusal> {
    match state.pairs.ask(key, EndChat { by }).await {
        Ok(()) | Err(Refusal::Gone) => Ok(()),
        Err(refusal) => Err(of_session(refusal)),
    }
}
