//! Reading and writing in a chat.

use std::sync::Arc;

use actors::{
    GetHistory, GetSnapshot, MoveMarks, NotifyActivity, OpenStream, OpenedStream, Refusal,
    SendMessage, Sent, Snapshot,
    domain::{
        Activity, ChatKey, IncomingText, Marks, Names, Page, PairHash, Seq, Timestamp, UserName,
    },
    ports::HistoryPage,
};
use uuid::Uuid;

use super::TokenHolder;

pub struct SendRequest {
    /// The hash that the client claims, to be checked against the session.
    pub hash: Option<PairHash>,
    /// Its id, chosen by the client or made up here.
    pub id: Uuid,
    pub text: IncomingText,
    /// The sender's clock.
    pub sent_at: Option<Timestamp>,
    /// The sender's name that the client claims.
    pub sender: Option<UserName>,
    /// The recipient's name that the client claims.
    pub recipient: Option<UserName>,
}

impl TokenHolder {
    /// The state of the chat for the caller, if the session is alive.
    pub async fn snapshot(&self) -> Result<Snapshot, Refusal> {
        self.ask(GetSnapshot { by: self.by }).await
    }

    /// Sends a message and returns when it is durable. After a refusal nothing was stored, except after
    /// [`Refusal::Unavailable`], where the outcome is unknown.
    pub async fn send(&self, message: SendRequest) -> Result<Sent, Refusal> {
        let claimed = message.hash.as_ref().map(ChatKey::of);
        if claimed.is_some_and(|key| key != self.key) {
            // A dead session is reported first.
            self.snapshot().await?;
            return Err(Refusal::Disagrees { field: "userHash" });
        }
        let message = SendMessage {
            by: self.by,
            id: message.id,
            text: message.text,
            sent_at: message.sent_at,
            sender: message.sender,
            recipient: message.recipient,
        };
        self.ask(message).await
    }

    /// A page of the history with at most `limit` messages, and both names.
    pub async fn history(
        &self,
        page: Page,
        limit: usize,
    ) -> Result<(HistoryPage, Arc<Names>), Refusal> {
        let by = self.by;
        self.ask(GetHistory { by, page, limit }).await
    }

    /// Opens a stream that goes on after a `seq`; without one it starts at the present.
    pub async fn open_stream(&self, after: Option<Seq>) -> Result<OpenedStream, Refusal> {
        let by = self.by;
        self.ask(OpenStream { by, after }).await
    }

    /// Raises the marks of the caller's seat; they never move back.
    pub async fn move_marks(&self, marks: Marks) -> Result<(), Refusal> {
        let by = self.by;
        self.ask(MoveMarks { by, marks }).await
    }

    /// Tells the other person what the caller is doing.
    pub async fn notify(&self, activity: Activity) -> Result<(), Refusal> {
        let by = self.by;
        self.ask(NotifyActivity { by, activity }).await
    }
}
