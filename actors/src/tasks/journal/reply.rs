//! The way back to whoever sent a message.

use std::sync::Arc;

use actix::dev::OneshotSender;

use crate::{
    Refusal,
    domain::{ChatKey, ClientId, Message, Seq, Timestamp},
};

/// Where a sender waits. Who is left without an answer is told that nobody knows the outcome.
pub(crate) struct Reply(Option<OneshotSender<Result<Sent, Refusal>>>);

impl Reply {
    /// To nobody, where nobody asked.
    pub(crate) fn to(asker: Option<OneshotSender<Result<Sent, Refusal>>>) -> Self {
        Self(asker)
    }

    /// Answers, unless that has been done.
    pub(crate) fn answer(&mut self, answer: Result<Sent, Refusal>) {
        if let Some(asker) = self.0.take() {
            // A sender who has gone away does not wait for an answer.
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

/// A message that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its place.
    pub seq: Seq,
    /// Its name.
    pub id: ClientId,
    /// The store's clock.
    pub at: Timestamp,
    /// Whether the recipient has a stream open; `None` while that cannot be said.
    pub online: Option<bool>,
}

impl Sent {
    fn of(message: &Message, online: Option<bool>) -> Self {
        Self {
            seq: message.seq,
            id: message.id,
            at: message.at,
            online,
        }
    }
}

/// Hears what was committed for a chat's pair.
pub(crate) trait CommitListener: Send + Sync {
    /// These messages are durable, and published.
    fn committed(&self, key: ChatKey, messages: Committed);
}

/// One chat's part of a commit, in `seq` order.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Committed(pub(crate) Vec<CommittedMessage>);

/// A message that is durable. Its sender is answered even if no pair takes it, or one that dies.
pub(crate) struct CommittedMessage {
    pub(crate) message: Arc<Message>,
    reply: Reply,
}

impl CommittedMessage {
    pub(super) fn new(message: Arc<Message>, reply: Reply) -> Self {
        Self { message, reply }
    }

    /// Tells the sender that the message is durable, and whether its recipient is there.
    pub(crate) fn acknowledge(&mut self, online: Option<bool>) {
        self.reply.answer(Ok(Sent::of(&self.message, online)));
    }
}

impl Drop for CommittedMessage {
    fn drop(&mut self) {
        self.acknowledge(None);
    }
}
