//! Answers to the senders of messages.

use std::sync::Arc;

use actix::dev::OneshotSender;

use crate::{
    Refusal,
    domain::{ClientId, Message, Seq, Timestamp},
};

/// Answers a sender. If it is dropped unanswered, the sender hears that the outcome is unknown.
pub(crate) struct Reply(Option<OneshotSender<Result<Sent, Refusal>>>);

impl Reply {
    /// A reply to this sender; `None` discards it.
    pub(crate) fn to(asker: Option<OneshotSender<Result<Sent, Refusal>>>) -> Self {
        Self(asker)
    }

    /// Answers, unless that was done before.
    pub(crate) fn answer(&mut self, answer: Result<Sent, Refusal>) {
        if let Some(asker) = self.0.take() {
            // Fails when the sender has gone away.
            let _ = asker.send(answer);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let lost = "the commit was lost; its outcome is unknown";
        self.answer(Err(Refusal::Unavailable(lost.into())));
    }
}

/// A message that is now durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its `seq`.
    pub seq: Seq,
    /// Its id.
    pub id: ClientId,
    /// When it was stored, by the store's clock.
    pub at: Timestamp,
    /// Whether the recipient has a stream open; `None` while that is unknown.
    pub online: Option<bool>,
}

/// A message that is durable. Dropping it answers its sender, so that a pair that panics cannot lose the answer.
pub(crate) struct CommittedMessage {
    pub(crate) message: Arc<Message>,
    pub(super) reply: Reply,
}

impl CommittedMessage {
    /// Answers the sender, with whether the recipient is online.
    pub(crate) fn acknowledge(&mut self, online: Option<bool>) {
        let Message { seq, id, at, .. } = *self.message;
        let sent = Sent {
            seq,
            id,
            at,
            online,
        };
        self.reply.answer(Ok(sent));
    }
}

impl Drop for CommittedMessage {
    fn drop(&mut self) {
        self.acknowledge(None);
    }
}
