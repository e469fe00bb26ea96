//! Sending messages through the journal, and delivering them to the streams in order.

use std::{sync::Arc, time::Duration};

use actix::{
    ActorFutureExt, AsyncContext, Context, Handler, WrapFuture,
    dev::{MessageResponse, OneshotSender},
};
use tracing::Span;

use super::{Pair, requests::receive};
use crate::{
    Refusal, Sent,
    domain::{
        ClientId, Draft, IncomingText, Message, Page, SecretDigest, TextError, Timestamp, UserName,
    },
    environment::Environment,
    ports::{HistoryPage, Principal},
    tasks::journal::{Append, CommittedMessage, Reply},
};

/// Messages in one page when catching up with the store.
const CATCH_UP_LEN: usize = 200;
/// The pause after the store did not answer.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(500);
/// Messages that may wait for an earlier one; further ones are read from the store.
const EARLY_LEN_MAX: usize = 256;

/// Sends a message.
#[derive(Debug, Clone)]
pub struct SendMessage {
    /// The sender's token.
    pub by: SecretDigest,
    /// The message's id.
    pub id: ClientId,
    /// Its text.
    pub text: IncomingText,
    /// The sender's clock.
    pub sent_at: Option<Timestamp>,
    /// The sender's name that the client claims.
    pub sender: Option<UserName>,
    /// The recipient's name that the client claims.
    pub recipient: Option<UserName>,
}

receive!(CONCURRENT: SendMessage => Sent);

impl Handler<SendMessage> for Pair {
    type Result = PendingSend;

    fn handle(&mut self, send: SendMessage, _: &mut Self::Context) -> Self::Result {
        PendingSend {
            draft: self.draft(send),
            environment: self.environment.clone(),
            span: Span::current(),
        }
    }
}

/// A send that the journal answers instead of the pair, so that the mailbox goes on meanwhile.
pub struct PendingSend {
    draft: Result<Draft, Refusal>,
    environment: Arc<Environment>,
    /// The request's span: the answer is made after the handler has returned.
    span: Span,
}

impl<M> MessageResponse<Pair, M> for PendingSend
where
    M: actix::Message<Result = Result<Sent, Refusal>>,
{
    fn handle(self, _: &mut Context<Pair>, asker: Option<OneshotSender<M::Result>>) {
        let Self {
            draft,
            environment,
            span,
        } = self;
        let mut reply = Reply::to(asker);
        match draft {
            Ok(draft) => environment.journal.append(Append { draft, reply, span }),
            Err(refusal) => reply.answer(Err(refusal)),
        }
    }
}

impl Pair {
    fn draft(&mut self, send: SendMessage) -> Result<Draft, Refusal> {
        // An invalid text is reported before an unknown session, like every other wrong field.
        let encrypted = self.chat()?.encryption.is_some();
        let text = send.text.for_chat(encrypted).map_err(|error| match error {
            TextError::TooLong => Refusal::TextTooLong,
            TextError::Invalid(invalid) => Refusal::invalid("message")(invalid),
        })?;
        let (seat, _) = self.authenticate(send.by)?;
        for (field, claimed, seat) in [
            ("senderName", &send.sender, seat),
            ("reciever", &send.recipient, seat.other()),
        ] {
            if claimed.is_some() && *claimed != self.names[seat] {
                return Err(Refusal::Disagrees { field }.unconfirmed());
            }
        }
        self.check_send_rate(seat)?;
        Ok(Draft {
            key: self.key,
            seat,
            session: send.by,
            id: send.id,
            text,
            sent_at: send.sent_at,
        })
    }

    /// Every message passes here, wherever it was committed. The next one is delivered, a lower one was delivered
    /// before, and a higher one waits until those in between are read from the store.
    pub(super) fn offer(&mut self, message: Arc<Message>, ctx: &mut Context<Self>) {
        if self.chat.is_err() {
            return;
        }
        if message.seq <= self.status.last_seq() {
            // Where none is remembered, the chat was loaded when it had this message already, or when the store had more
            // than now.
            if self.recent.is_empty() || self.recent.conflicts_with(&message) {
                self.rewind(message.seq - 1, ctx);
            }
            return;
        }
        if message.seq == self.status.last_seq() + 1 {
            self.deliver(message);
            while let Some(next) = self.early.remove(&(self.status.last_seq() + 1)) {
                self.deliver(next);
            }
            return;
        }
        if self.early.len() < EARLY_LEN_MAX {
            self.early.insert(message.seq, message);
        }
        self.catch_up(ctx);
    }

    fn deliver(&mut self, message: Arc<Message>) {
        self.status.set_last_seq(message.seq);
        self.recent.push(&message);
        let live = self.send_message(message);
        self.environment.metrics.delivered.inc_by(live);
    }

    /// Reads missing messages from the store, page by page.
    pub(super) fn catch_up(&mut self, ctx: &mut Context<Self>) {
        if self.catching_up || self.chat.is_err() {
            return;
        }
        self.catching_up = true;
        let store = self.store();
        let (by, after) = (Principal::Server(self.key), self.status.last_seq());
        let announced = self.early.last_key_value().map(|(seq, _)| *seq);
        let read =
            Self::in_own_task(
                async move { store.history(by, Page::After(after), CATCH_UP_LEN).await },
            );
        ctx.spawn(read.into_actor(self).map(move |read, pair, ctx| {
            pair.catching_up = read.is_err();
            match read {
                // The store lost messages meanwhile, and the pair went back: this may still be from before the loss.
                Ok(Ok(_)) if pair.status.last_seq() < after => pair.catch_up(ctx),
                Ok(Ok(HistoryPage { messages, more })) => {
                    pair.unreadable = false;
                    let healed = &pair.environment.metrics.healed;
                    healed.inc_by(messages.len() as u64);
                    for message in messages {
                        pair.offer(Arc::new(message), ctx);
                    }
                    // A message that was announced before this last page was read and is not in it does not
                    // exist in the store. Waiting for it would mean reading for ever.
                    let known = announced
                        .filter(|_| !more)
                        .max(Some(pair.status.last_seq()));
                    pair.early.retain(|seq, _| Some(*seq) > known);
                    if more || !pair.early.is_empty() {
                        pair.catch_up(ctx);
                    }
                }
                Ok(Err(_)) => pair.finish(None, ctx),
                Err(failure) => {
                    pair.log_read_failure(&failure);
                    // Until then it counts as catching up: whatever else finds messages missing would otherwise read
                    // at once, and begin a series of further attempts.
                    ctx.run_later(CATCH_UP_PAUSE, |pair, ctx| {
                        pair.catching_up = false;
                        pair.catch_up(ctx);
                    });
                }
            }
        }));
    }

    /// Messages of this chat are durable.
    pub(super) fn committed(&mut self, messages: Vec<CommittedMessage>, ctx: &mut Context<Self>) {
        for mut committed in messages {
            committed.acknowledge(self.online(committed.message.seat.other()));
            self.offer(committed.message.clone(), ctx);
        }
    }
}
