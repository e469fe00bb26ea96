//! Makes messages durable, many pairs' in one transaction.
//!
//! A chat belongs to one lane, which keeps its order. While one commit of a lane is in flight the
//! next batch gathers: an idle lane commits a lone message at once, a busy one pays for one fsync
//! per batch, and no timer is involved. The queue is bounded; a full one refuses.
//!
//! What is committed is published before the pair hears of it, because a pair can panic and a
//! lane has nothing to panic about.

use std::{sync::Arc, time::Instant};

use actix::{
    Actor, ActorFutureExt, Addr, ArbiterHandle, AsyncContext, Context, Handler, Supervised,
    Supervisor, WrapFuture,
    dev::{OneshotSender, SendError},
};
use tracing::{error, warn};

use crate::{
    Directory, Metrics, Pair, Refusal, Sent,
    domain::{ChatKey, Draft, Message},
    ports::{Appended, Bus, Notice, Store, StoreError},
};

/// The bounds of the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JournalLimits {
    /// Messages that may wait in one lane.
    pub(crate) queue_len_max: usize,
    /// Messages in one commit.
    pub(crate) batch_len_max: usize,
    /// Messages in one chat.
    pub(crate) messages_per_chat_max: u64,
}

/// The lanes, pinned to chats by their keys.
#[derive(Debug, Clone)]
pub struct Journal {
    lanes: Vec<actix::Addr<Lane>>,
}

impl Journal {
    pub(crate) fn start(
        arbiters: &[ArbiterHandle],
        store: &Arc<dyn Store>,
        bus: &Arc<dyn Bus>,
        limits: JournalLimits,
        metrics: &Metrics,
    ) -> Self {
        let lane = |number: usize| {
            let (store, bus, metrics) = (store.clone(), bus.clone(), metrics.clone());
            Supervisor::start_in_arbiter(&arbiters[number % arbiters.len()], move |ctx| {
                ctx.set_mailbox_capacity(limits.queue_len_max);
                Lane {
                    store,
                    bus,
                    limits,
                    metrics,
                    waiting: Vec::new(),
                    in_flight: false,
                }
            })
        };
        Self {
            lanes: (0..store.lanes().max(1)).map(lane).collect(),
        }
    }

    /// Hands a draft to its chat's lane; a full lane answers through the draft's `reply`.
    pub(crate) fn append(&self, append: Append) {
        let lane = &self.lanes[append.draft.key.spread() % self.lanes.len()];
        if let Err(SendError::Full(append) | SendError::Closed(append)) = lane.try_send(append) {
            append.answer(Err(queue_full()));
        }
    }
}

/// A draft to be made durable.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Append {
    /// What to store.
    pub(crate) draft: Draft,
    /// Knows the pair that hears of it once it is committed, and answers: by then it may be
    /// another one than now.
    pub(crate) directory: Directory,
    /// Where the sender waits.
    pub(crate) reply: Reply,
}

impl Append {
    fn answer(mut self, answer: Result<Sent, Refusal>) {
        self.reply.answer(answer);
    }
}

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

struct Lane {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    limits: JournalLimits,
    metrics: Metrics,
    waiting: Vec<Append>,
    in_flight: bool,
}

impl Actor for Lane {
    type Context = Context<Self>;
}

impl Supervised for Lane {}

impl Handler<Append> for Lane {
    type Result = ();

    fn handle(&mut self, append: Append, ctx: &mut Self::Context) {
        if self.waiting.len() >= self.limits.queue_len_max {
            append.answer(Err(queue_full()));
            return;
        }
        self.metrics.journal_queue_len.inc();
        self.waiting.push(append);
        self.commit_next(ctx);
    }
}

impl Lane {
    fn commit_next(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight || self.waiting.is_empty() {
            return;
        }
        self.in_flight = true;
        let len = self.waiting.len().min(self.limits.batch_len_max);
        let batch: Vec<Append> = self.waiting.drain(..len).collect();
        self.metrics.journal_queue_len.sub(len as i64);
        self.metrics.batch_len.observe(len as f64);

        let commit = commit(
            self.store.clone(),
            self.bus.clone(),
            self.metrics.clone(),
            batch,
            self.limits.messages_per_chat_max,
        );
        // A task of its own: an adapter that panics costs this batch and not the lane.
        let task = tokio::spawn(commit);
        ctx.spawn(task.into_actor(self).map(|done, lane, ctx| {
            if let Err(panic) = done {
                error!(%panic, "a commit panicked");
            }
            lane.in_flight = false;
            lane.commit_next(ctx);
        }));
    }
}

/// Commits a batch. One that the store refuses is split until the guilty draft is alone.
async fn commit(
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    metrics: Metrics,
    batch: Vec<Append>,
    messages_max: u64,
) {
    let mut batches = vec![batch];
    while let Some(mut batch) = batches.pop() {
        let drafts: Vec<Draft> = batch.iter().map(|append| append.draft.clone()).collect();
        let started = Instant::now();
        let outcome = store.append(&drafts, messages_max).await;
        metrics
            .commit_seconds
            .observe(started.elapsed().as_secs_f64());
        match outcome {
            Ok(outcomes) => announce(&*bus, &metrics, batch, outcomes),
            Err(StoreError::Refused(_)) if batch.len() > 1 => {
                let second_half = batch.split_off(batch.len() / 2);
                batches.push(second_half);
                batches.push(batch);
            }
            Err(failure) => {
                warn!(%failure, messages = batch.len(), "a batch was not committed");
                for append in batch {
                    append.answer(Err(failure.clone().into()));
                }
            }
        }
    }
}

/// Publishes what was stored and hands each pair its part.
fn announce(bus: &dyn Bus, metrics: &Metrics, batch: Vec<Append>, outcomes: Vec<Appended>) {
    let mut parts: Vec<(ChatKey, Directory, Vec<CommittedMessage>)> = Vec::new();
    for (append, outcome) in batch.into_iter().zip(outcomes) {
        let (seq, at) = match outcome {
            Appended::Stored { seq, at } => {
                metrics.accepted.inc();
                (seq, at)
            }
            Appended::Before { seq, at } => (seq, at),
            refused => {
                append.answer(Err(refusal(refused)));
                continue;
            }
        };
        let key = append.draft.key;
        let message = Arc::new(append.draft.placed(seq, at));
        bus.publish(key, Notice::Message(message.clone()));
        let committed = CommittedMessage {
            message,
            reply: append.reply,
        };
        match parts.iter_mut().find(|(of, ..)| *of == key) {
            Some((.., part)) => part.push(committed),
            None => parts.push((key, append.directory, vec![committed])),
        }
    }
    for (key, directory, part) in parts {
        // A chat without a pair has no streams here either.
        if let Some(pair) = directory.live(key) {
            hand_over(&pair, part);
        }
    }
}

fn hand_over(pair: &Addr<Pair>, part: Vec<CommittedMessage>) {
    match pair.try_send(Committed(part)) {
        Ok(()) => {}
        // What is committed must arrive. There are never more of these than the lanes' queues
        // hold, so the box is overfilled by a bounded number.
        Err(SendError::Full(committed)) => pair.do_send(committed),
        // The pair is dead. The one that follows it reads from the store, and so do its streams.
        Err(SendError::Closed(_)) => {}
    }
}

fn refusal(outcome: Appended) -> Refusal {
    match outcome {
        Appended::OtherText => Refusal::MessageReused,
        Appended::Full => Refusal::ChatFull,
        Appended::Ended => Refusal::Gone,
        Appended::Missing => Refusal::NotFound,
        Appended::Stored { .. } | Appended::Before { .. } => {
            Refusal::Defect("a stored message is no refusal".into())
        }
    }
}

fn queue_full() -> Refusal {
    Refusal::Unavailable("the journal's queue is full".into())
}
