//! One commit: the call of the store, and what follows for each message.

use std::{mem::take, sync::Arc, time::Instant};

use tokio::task::yield_now;
use tracing::{Span, debug, error, info, warn};

use super::{Append, CommittedMessage, Lane};
use crate::{
    Refusal,
    domain::{ChatKey, Draft, Notice},
    ports::{Appended, StoreError},
    supervision::{catch_panic, catch_panic_in},
};

/// A finished commit.
pub(super) enum Done {
    /// The lane's own batch. These chats were locked by another transaction, and nothing of them was stored.
    Lane(Vec<(ChatKey, Vec<Append>)>),
    /// The messages of a chat that was locked.
    Beside(ChatKey),
}

/// What was committed of one chat.
type Part = (ChatKey, Vec<CommittedMessage>);

impl Lane {
    /// Commits a batch. For a `locked` chat it waits until the lock is free. A batch that the store refuses, or on
    /// which it panics, is split in half until the offending draft is alone. No draft is stored twice, because the
    /// store knows its id.
    pub(super) async fn commit(
        self: &Arc<Self>,
        batch: Vec<Append>,
        locked: Option<ChatKey>,
        committed: &impl Fn(ChatKey, Vec<CommittedMessage>),
    ) -> Done {
        let mut left_out = Vec::new();
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            let drafts: Vec<Draft> = batch.iter().map(|append| append.draft.clone()).collect();
            let started = Instant::now();
            let room = self.limits.chat_room;
            let outcome = match locked {
                None => catch_panic(self.store.append(&drafts, room)).await,
                Some(_) => catch_panic(self.store.append_waiting(&drafts, room)).await,
            };
            self.metrics
                .commit_seconds
                .observe(started.elapsed().as_secs_f64());
            let failure = match outcome {
                Ok(Ok(outcomes)) => {
                    self.log_success();
                    let parts = self.publish(batch, outcomes, &mut left_out);
                    // Lets the bus write its notices first: they take longer to arrive.
                    yield_now().await;
                    for (key, part) in parts {
                        // A chat without a pair has no streams here. If the pair's queue is full, the messages are dropped,
                        // which answers their senders, and the pair reads them from the store.
                        committed(key, part);
                    }
                    continue;
                }
                Err(_) | Ok(Err(StoreError::Refused(_))) if batch.len() > 1 => {
                    let second_half = batch.split_off(batch.len() / 2);
                    batches.push(second_half);
                    batches.push(batch);
                    continue;
                }
                Ok(Err(failure)) => {
                    self.log_failure(&failure);
                    Refusal::from(failure)
                }
                Err(panic) => {
                    // The batch was split until the offending draft was alone.
                    let span = batch.first().map(|append| append.span.clone());
                    error!(parent: span.unwrap_or_else(Span::none), panic, "the store panicked over a message");
                    Refusal::Defect(panic)
                }
            };
            for append in batch {
                debug!(parent: &append.span, %failure, "the message was not stored");
                append.answer(Err(failure.clone()));
            }
        }
        match locked {
            None => Done::Lane(left_out),
            Some(key) => {
                for append in left_out.into_iter().flat_map(|(_, batch)| batch) {
                    let held = "somebody else holds the chat";
                    append.answer(Err(Refusal::Unavailable(held.into())));
                }
                Done::Beside(key)
            }
        }
    }

    /// Logs one line when the store stops taking messages, and one when it takes them again. What it refuses for
    /// good is logged with the request.
    fn log_failure(&self, failure: &StoreError) {
        let is_passing = !matches!(failure, StoreError::Refused(_));
        let mut since = self.failing_since.lock();
        if is_passing && since.is_none() {
            *since = Some(Instant::now());
            warn!(%failure, "messages are not stored; their senders try again");
        }
    }

    fn log_success(&self) {
        if let Some(since) = take(&mut *self.failing_since.lock()) {
            let seconds = since.elapsed().as_secs_f64();
            info!(seconds, "messages are stored again");
        }
    }

    /// Publishes what was stored. Returns each pair's part of it.
    fn publish(
        &self,
        batch: Vec<Append>,
        outcomes: Vec<Appended>,
        left_out: &mut Vec<(ChatKey, Vec<Append>)>,
    ) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (append, outcome) in batch.into_iter().zip(outcomes) {
            let key = append.draft.key;
            let placed = match outcome {
                Appended::Stored { seq, at } => {
                    self.metrics.accepted.inc();
                    Ok((seq, at))
                }
                Appended::Duplicate { seq, at } => Ok((seq, at)),
                Appended::Locked => {
                    match left_out.iter_mut().find(|(of, _)| *of == key) {
                        Some((_, appends)) => appends.push(append),
                        None => left_out.push((key, vec![append])),
                    }
                    continue;
                }
                Appended::NoSession => Err(Refusal::NoSession),
                Appended::OtherText => Err(Refusal::MessageReused),
                Appended::Full => Err(Refusal::ChatFull),
                Appended::Ended => Err(Refusal::Gone),
                Appended::Missing => Err(Refusal::NotFound),
            };
            let (seq, at) = match placed {
                Ok(placed) => placed,
                Err(refusal) => {
                    append.answer(Err(refusal));
                    continue;
                }
            };
            let message = Arc::new(append.draft.stored_as(seq, at));
            let notice = Notice::Message(message.clone());
            // If the bus fails the other instances find the message in the store.
            if let Err(panic) = catch_panic_in(|| self.bus.publish(key, notice)) {
                error!(panic, "the bus panicked over a message");
            }
            let committed = CommittedMessage {
                message,
                reply: append.reply,
            };
            match parts.iter_mut().find(|(of, _)| *of == key) {
                Some((_, part)) => part.push(committed),
                None => parts.push((key, vec![committed])),
            }
        }
        parts
    }
}
