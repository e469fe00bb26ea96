//! Checks in the store whether sessions are alive, for many requests in one statement.
//!
//! While one statement is in flight the next callers gather: an idle instance checks a lone caller at once, a busy
//! one pays for one round trip per batch. A send is not checked here but by the statement that stores it.

use std::{mem, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    Refusal,
    domain::{Caller, Seq},
    ports::{Access, BatchResult, Store, StoreError},
};

/// Callers that may wait for the next statement.
const WAITING_MAX: usize = 20_000;
/// Callers in one statement.
const BATCH_LEN_MAX: usize = 1_000;

type Answer = Result<Access<Seq>, StoreError>;

/// The session checks of this instance.
pub(crate) struct SessionChecks {
    store: Arc<dyn Store>,
    /// By the store's partition.
    queues: Vec<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(Caller, oneshot::Sender<Answer>)>,
    in_flight: bool,
}

impl SessionChecks {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let queues = (0..store.partitions()).map(|_| Mutex::default()).collect();
        Self { store, queues }
    }

    /// The `seq` of the last message in the caller's chat, if the caller's session is alive. Must be
    /// awaited inside a Tokio runtime.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], [`Refusal::Gone`], [`Refusal::NotFound`], or
    /// [`Refusal::Unavailable`] where the store cannot say.
    pub(crate) async fn check(self: Arc<Self>, caller: Caller) -> Result<Seq, Refusal> {
        let (reply, answered) = oneshot::channel();
        let partition = self.store.partition(caller.key);
        {
            let mut queue = self.queues[partition].lock();
            if queue.waiting.len() >= WAITING_MAX {
                let full = "too many requests wait for their sessions to be checked";
                return Err(Refusal::Unavailable(full.into()));
            }
            queue.waiting.push((caller, reply));
            if !mem::replace(&mut queue.in_flight, true) {
                let task = InFlight {
                    checks: self.clone(),
                    partition,
                    finished: false,
                };
                tokio::spawn(task.run());
            }
        }
        match answered.await {
            Ok(answer) => Ok(answer??),
            Err(_) => Err(Refusal::Unavailable("the session was not checked".into())),
        }
    }
}

/// The one task that queries a partition. If the adapter panics, all waiting callers are refused as unavailable, and
/// the next caller starts another task.
struct InFlight {
    checks: Arc<SessionChecks>,
    partition: usize,
    finished: bool,
}

impl InFlight {
    async fn run(mut self) {
        while let Some(batch) = self.next() {
            let (callers, replies): (Vec<Caller>, Vec<_>) = batch.into_iter().unzip();
            let answers: BatchResult<Access<Seq>> =
                self.checks.store.check_sessions(&callers).await;
            for (reply, answer) in replies.into_iter().zip(answers) {
                // Fails when the caller has gone away.
                let _ = reply.send(answer);
            }
        }
    }

    /// The next batch; `None` when nobody waits, and then the next caller starts another task.
    fn next(&mut self) -> Option<Vec<(Caller, oneshot::Sender<Answer>)>> {
        let mut queue = self.checks.queues[self.partition].lock();
        let len = queue.waiting.len().min(BATCH_LEN_MAX);
        if len == 0 {
            queue.in_flight = false;
            self.finished = true;
            return None;
        }
        Some(queue.waiting.drain(..len).collect())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.finished {
            let mut queue = self.checks.queues[self.partition].lock();
            queue.in_flight = false;
            queue.waiting.clear();
        }
    }
}
