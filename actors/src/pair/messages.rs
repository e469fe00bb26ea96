//! Messages in and out: the way to the journal, the gate of the order, history, marks, typing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    ActorFutureExt, AsyncContext, Context, Handler, ResponseActFuture, WrapFuture,
    dev::{MessageResponse, OneshotSender},
};
use tracing::warn;

use super::{Pair, check_rate};
use crate::{
    PairRegistry, Refusal,
    domain::{
        Caller, ClientId, Draft, Event, Marks, Message, Page, Seat, SeatChange, SecretDigest,
        SentText, Seq, TextError, Timestamp, UserName,
    },
    ports::{Access, By, DeferredWrite, HistoryPage, Notice, Position},
    tasks::journal::{Append, Committed, Reply},
};

/// How often typing is passed on.
const TYPING_INTERVAL: Duration = Duration::from_secs(2);
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
    pub(crate) fn of(message: &Message, online: Option<bool>) -> Self {
        Self {
            seq: message.seq,
            id: message.id,
            at: message.at,
            online,
        }
    }
}

impl Handler<SendMessage> for Pair {
    type Result = PendingSend;

    fn handle(&mut self, send: SendMessage, _: &mut Self::Context) -> Self::Result {
        PendingSend {
            draft: self.draft(send),
            pairs: self.pairs.clone(),
        }
    }
}

/// A send on its way to the journal, which answers it in the pair's place.
pub struct PendingSend {
    draft: Result<Draft, Refusal>,
    pairs: PairRegistry,
}

impl<M> MessageResponse<Pair, M> for PendingSend
where
    M: actix::Message<Result = Result<Sent, Refusal>>,
{
    fn handle(self, _: &mut Context<Pair>, asker: Option<OneshotSender<M::Result>>) {
        let Self { draft, pairs } = self;
        let mut reply = Reply::to(asker);
        match draft {
            Ok(draft) => {
                let shared = pairs.shared().clone();
                shared.journal.append(Append {
                    draft,
                    pairs,
                    reply,
                });
            }
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
        check_rate(&self.limits().sends[seat])?;
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
    fn offer(&mut self, message: Arc<Message>, ctx: &mut Context<Self>) {
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
        self.shared.metrics.delivered.inc_by(live);
    }

    /// Reads what is missing from the store, page by page, until nothing is.
    pub(super) fn catch_up(&mut self, ctx: &mut Context<Self>) {
        if self.catching_up || self.chat.is_err() {
            return;
        }
        self.catching_up = true;
        let store = self.shared.world.store.clone();
        let (by, after) = (By::Server(self.key), self.usage.position());
        let announced = self.early.last_key_value().map(|(seq, _)| *seq);
        let read =
            Self::beside(async move { store.history(by, Page::After(after), CATCH_UP_LEN).await });
        ctx.spawn(read.into_actor(self).map(move |read, pair, ctx| {
            pair.catching_up = false;
            match read {
                Ok(Access::Granted(HistoryPage { messages, more })) => {
                    pair.shared.metrics.healed.inc_by(messages.len() as u64);
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
                    warn!(chat = %pair.key.fingerprint(), %failure, "missing messages wait");
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

/// What another instance published about this chat.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Relayed(pub(crate) Notice);

impl Handler<Relayed> for Pair {
    type Result = ();

    fn handle(&mut self, Relayed(notice): Relayed, ctx: &mut Self::Context) {
        match notice {
            Notice::Message(message) => self.offer(message, ctx),
            Notice::Typing(seat) => self.broadcast(&Event::Typing {
                seat,
                user: self.name(seat),
            }),
            Notice::Marks(seat, marks) => {
                self.raise_marks(seat, marks);
            }
            Notice::Presence {
                seat,
                online,
                last_seen,
            } => {
                self.seen_elsewhere(seat, online, last_seen, ctx);
            }
            Notice::Seat(seat, change) => self.read_again(ctx, move |pair| {
                let user = pair.name(seat);
                pair.broadcast(&Event::Seat { seat, user, change });
                if matches!(change, SeatChange::Taken | SeatChange::Replaced) {
                    // It may have been an answer: says who still waits, and so who does not.
                    pair.greet_again();
                }
            }),
            Notice::Sessions => {
                let before = self.open_asks().len();
                self.read_again(ctx, move |pair| {
                    // A new return code ends the asks of its seat.
                    if pair.open_asks().len() < before {
                        pair.greet_again();
                    }
                });
            }
            Notice::Ended { by } => self.finish(by, ctx),
        }
    }
}

impl Pair {
    /// Reads the chat again and then tells; holds the mailbox, so that nothing overtakes it.
    pub(super) fn read_again(
        &mut self,
        ctx: &mut Context<Self>,
        tell: impl FnOnce(&mut Self) + 'static,
    ) {
        if self.chat.is_err() {
            return;
        }
        let store = self.shared.world.store.clone();
        let key = self.key;
        let load = async move { store.load(key).await };
        ctx.wait(load.into_actor(self).map(|found, pair: &mut Self, ctx| {
            pair.apply(found, ctx);
            tell(pair);
        }));
    }
}

/// Notices may have been lost. What the store knows is compared elsewhere, for many chats at once; who
/// is there is asked for here, and the streams get a fresh hello.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct CatchUp;

impl Handler<CatchUp> for Pair {
    type Result = ();

    fn handle(&mut self, _: CatchUp, ctx: &mut Self::Context) {
        self.ask_elsewhere(ctx, Self::greet_again);
    }
}

/// How far the store says the chat is; `None` when it is over.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Audited {
    /// How far the pair was when the store was asked.
    pub(crate) asked: Position,
    pub(crate) position: Option<Position>,
}

impl Handler<Audited> for Pair {
    type Result = ();

    fn handle(&mut self, audited: Audited, ctx: &mut Self::Context) {
        let Some(found) = audited.position else {
            return self.finish(None, ctx);
        };
        if !found.is_news(&audited.asked, &self.usage.known()) {
            return;
        }
        for seat in Seat::BOTH {
            self.raise_marks(seat, found.marks[seat]);
        }
        if found.was_rewound(&audited.asked) {
            return self.rewind(found.last_seq, ctx);
        }
        if found.last_seq > self.usage.position() {
            self.catch_up(ctx);
        }
        if found.was_revised(&audited.asked, &self.usage.known()) {
            self.read_again(ctx, Self::greet_again);
        }
    }
}

/// Moves the marks of the sender's seat.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Receipt {
    /// The reader's token.
    pub by: SecretDigest,
    /// To where.
    pub marks: Marks,
}

impl Handler<Receipt> for Pair {
    type Result = ResponseActFuture<Self, Result<(), Refusal>>;

    fn handle(&mut self, receipt: Receipt, _: &mut Self::Context) -> Self::Result {
        let Marks { delivered, read } = receipt.marks;
        let checked = self.check(receipt.by);
        Box::pin(checked.into_actor(self).map(move |checked, pair, _| {
            let (caller, last) = checked?;
            if delivered.max(read) > last {
                let field = if read > last { "read" } else { "delivered" };
                let problem = "A mark cannot lie above the chat's last message.";
                return Err(Refusal::Invalid { field, problem });
            }
            let seat = caller.seat;
            if let Some(marks) = pair.raise_marks(seat, receipt.marks) {
                pair.shared
                    .deferred
                    .push(pair.key, DeferredWrite::Marks(caller, marks));
                pair.shared
                    .world
                    .bus
                    .publish(pair.key, Notice::Marks(seat, marks));
            }
            Ok(())
        }))
    }
}

impl Pair {
    /// Raises a seat's marks and tells the streams, if that changed anything.
    fn raise_marks(&mut self, seat: Seat, to: Marks) -> Option<Marks> {
        let marks = &mut self.chat.as_mut().ok()?.seats[seat].marks;
        let before = *marks;
        marks.raise(to);
        let now = *marks;
        if now == before {
            return None;
        }
        self.usage.marked(seat, now);
        self.broadcast(&Event::Receipt { seat, marks: now });
        Some(now)
    }
}

/// Says that the sender is writing.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Typing {
    /// The writer's token.
    pub by: SecretDigest,
}

impl Handler<Typing> for Pair {
    type Result = ResponseActFuture<Self, Result<(), Refusal>>;

    fn handle(&mut self, typing: Typing, _: &mut Self::Context) -> Self::Result {
        let checked = self.check(typing.by);
        Box::pin(checked.into_actor(self).map(|checked, pair: &mut Self, _| {
            let (Caller { seat, .. }, _) = checked?;
            if pair.last_typing[seat].is_some_and(|last| last.elapsed() < TYPING_INTERVAL) {
                return Ok(());
            }
            pair.last_typing[seat] = Some(Instant::now());
            let bus = &pair.shared.world.bus;
            bus.publish(pair.key, Notice::Typing(seat));
            pair.broadcast(&Event::Typing {
                seat,
                user: pair.name(seat),
            });
            Ok(())
        }))
    }
}
