//! Messages in and out: the way to the journal, and the gate of the order.

use std::{sync::Arc, time::Duration};

use actix::{
    ActorFutureExt, AsyncContext, Context, Handler, WrapFuture,
    dev::{MessageResponse, OneshotSender},
};
use tracing::Span;

use super::Pair;
use crate::{
    Refusal, Sent,
    domain::{
        ClientId, Draft, Message, Page, Seat, SecretDigest, SentText, TextError, Timestamp,
        UserName,
    },
    environment::Environment,
    ports::{Access, By, HistoryPage},
    tasks::journal::{Append, CommitListener, Committed, Reply},
};

/// Messages read at once where notices are missing.
const CATCH_UP_LEN: usize = 200;
/// Messages that may wait for their turn; beyond that they are read from the store.
const EARLY_LEN_MAX: usize = 256;

/// Sends a message.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<Sent, Refusal>")]
pub struct SendMessage {
    /// The sender's token.
    pub by: SecretDigest,
    /// The message's name.
    pub id: ClientId,
    /// What it says.
    pub text: SentText,
    /// The sender's clock.
    pub sent_at: Option<Timestamp>,
    /// Who the client believes sends it.
    pub sender: Option<UserName>,
    /// Who the client believes gets it.
    pub recipient: Option<UserName>,
}

impl Handler<SendMessage> for Pair {
    type Result = PendingSend;

    fn handle(&mut self, send: SendMessage, _: &mut Self::Context) -> Self::Result {
        PendingSend {
            draft: self.draft(send),
            environment: self.environment.clone(),
            listener: self.keeper.clone(),
            span: Span::current(),
        }
    }
}

/// A send on its way to the journal, which answers it in the pair's place.
pub struct PendingSend {
    draft: Result<Draft, Refusal>,
    environment: Arc<Environment>,
    listener: Arc<dyn CommitListener>,
    /// What the log says of the request: the answer is made after its handler has returned.
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
            listener,
            span,
        } = self;
        let mut reply = Reply::to(asker);
        match draft {
            Ok(draft) => environment.journal.append(Append {
                draft,
                listener,
                reply,
                span,
            }),
            Err(refusal) => reply.answer(Err(refusal)),
        }
    }
}

impl Pair {
    fn draft(&mut self, send: SendMessage) -> Result<Draft, Refusal> {
        // What the chat does not take is told before who sends it, as every other wrong field is.
        let encrypted = self.chat()?.encryption.is_some();
        let text = send.text.fit(encrypted).map_err(|error| match error {
            TextError::TooLong => Refusal::TextTooLong,
            TextError::Invalid(invalid) => Refusal::invalid("message")(invalid),
        })?;
        let (seat, _) = self.who(send.by)?;
        let agrees =
            |said: &Option<UserName>, seat: Seat| said.is_none() || *said == self.names[seat];
        if !agrees(&send.sender, seat) {
            return Err(Refusal::Disagrees {
                field: "senderName",
            });
        }
        if !agrees(&send.recipient, seat.other()) {
            return Err(Refusal::Disagrees { field: "reciever" });
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

    /// The gate that every message passes, wherever it was committed: the next one goes out, a
    /// lower one has been out before, and a later one waits until those between are read.
    pub(super) fn offer(&mut self, message: Arc<Message>, ctx: &mut Context<Self>) {
        if self.chat.is_err() {
            return;
        }
        if message.seq <= self.usage.position() {
            if self.recent.contradicts(&message) {
                self.rewind(message.seq - 1, ctx);
            }
            return;
        }
        if message.seq == self.usage.position() + 1 {
            self.give_out(message);
            while let Some(next) = self.early.remove(&(self.usage.position() + 1)) {
                self.give_out(next);
            }
            return;
        }
        if self.early.len() < EARLY_LEN_MAX {
            self.early.insert(message.seq, message);
        }
        self.catch_up(ctx);
    }

    fn give_out(&mut self, message: Arc<Message>) {
        self.usage.move_to(message.seq);
        self.recent.push(&message);
        if let Ok(chat) = &mut self.chat {
            chat.last_seq = message.seq;
        }
        let live = self.send_message(message);
        self.environment.metrics.delivered.inc_by(live);
    }

    /// Reads what is missing from the store, page by page, until nothing is.
    pub(super) fn catch_up(&mut self, ctx: &mut Context<Self>) {
        if self.catching_up || self.chat.is_err() {
            return;
        }
        self.catching_up = true;
        let store = self.environment.world.store.clone();
        let (by, after) = (By::Server(self.key), self.usage.position());
        let announced = self.early.last_key_value().map(|(seq, _)| *seq);
        let read =
            Self::beside(async move { store.history(by, Page::After(after), CATCH_UP_LEN).await });
        ctx.spawn(read.into_actor(self).map(move |read, pair, ctx| {
            pair.catching_up = false;
            match read {
                Ok(Access::Granted(HistoryPage { messages, more })) => {
                    pair.unreadable = false;
                    pair.environment
                        .metrics
                        .healed
                        .inc_by(messages.len() as u64);
                    for message in messages {
                        pair.offer(Arc::new(message), ctx);
                    }
                    // What was announced before all of it was read and is not there, the store
                    // does not have: waiting for it would be reading for ever.
                    let known = announced.filter(|_| !more).max(Some(pair.usage.position()));
                    pair.early.retain(|seq, _| Some(*seq) > known);
                    if more || !pair.early.is_empty() {
                        pair.catch_up(ctx);
                    }
                }
                Ok(Access::Ended | Access::Missing | Access::NoSession) => pair.finish(None, ctx),
                Err(failure) => {
                    pair.log_unread(&failure);
                    ctx.run_later(Duration::from_millis(500), |pair, ctx| pair.catch_up(ctx));
                }
            }
        }));
    }
}

impl Handler<Committed> for Pair {
    type Result = ();

    fn handle(&mut self, Committed(part): Committed, ctx: &mut Self::Context) {
        for mut committed in part {
            committed.acknowledge(self.online(committed.message.seat.other()));
            let seq = committed.message.seq;
            if self.recent.is_empty() && seq <= self.usage.position() {
                // The chat was read when it had this message, or more than the store has now.
                self.rewind(seq - 1, ctx);
            }
            self.offer(committed.message.clone(), ctx);
        }
    }
}
