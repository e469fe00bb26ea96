//! Sends to a shard: notices in their order, and presence.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use actors::domain::{BySeat, ChatKey, Seat};
use redis::{Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tracing::{info, warn};

use super::{
    Shared,
    chats::PresenceWrite,
    metrics::Metrics,
    names, server,
    shard::{GIVE_UP_AFTER, Shard},
};

/// Commands in one pipeline.
const BATCH_LEN_MAX: usize = 256;
/// How long to wait before unconfirmed notices are sent again.
const REPEAT_AFTER: Duration = Duration::from_millis(100);
/// How long presence and the list of instances are kept unless they are written again.
pub(super) const OPEN_LIFE: Duration = Duration::from_secs(600);

/// A notice that waits to be sent.
pub(super) struct Outgoing {
    pub(super) key: ChatKey,
    pub(super) payload: Vec<u8>,
}

/// Sends queued notices, and sends them again until they are confirmed; receivers ignore repeated ones. Notices of chats
/// that another shard serves now are passed on to it.
pub(super) async fn send(weak: Weak<Shard>) {
    let Some(shard) = weak.upgrade() else { return };
    let outgoing = shard.outgoing.clone();
    let mut outgoing = outgoing.lock().await;
    // Notices that an earlier sender held when it panicked are lost.
    shard.lose_queued(shard.queued().saturating_sub(outgoing.len()));
    let writes_wait = shard.writes_wait.clone();
    let mut sender = Sender {
        shared: shard.shared.clone(),
        metrics: shard.metrics.clone(),
        shard: weak,
        batch: Vec::with_capacity(BATCH_LEN_MAX),
        failing_since: None,
    };
    // The shard may be dropped while this waits for the next notice.
    drop(shard);
    loop {
        tokio::select! {
            taken = outgoing.recv_many(&mut sender.batch, BATCH_LEN_MAX) => {
                if taken == 0 {
                    return;
                }
            }
            () = writes_wait.notified() => {}
        }
        loop {
            match sender.step().await {
                Step::Done => break,
                Step::Again => {}
                Step::GaveUp => {
                    let queued = std::iter::from_fn(|| outgoing.try_recv().ok());
                    sender.batch.extend(queued);
                    // Another server may have taken this one's place meanwhile.
                    sender.pass_on_moved();
                    let lost = std::mem::take(&mut sender.batch).len();
                    if let Some(shard) = sender.shard.upgrade() {
                        shard.lose_queued(lost);
                    }
                    // Pending presence is kept in `Chats`, so it is not lost.
                    tokio::time::sleep(REPEAT_AFTER).await;
                    writes_wait.notify_one();
                    break;
                }
            }
        }
    }
}

enum Step {
    Done,
    Again,
    /// The server has been away for so long that the queue is dropped.
    GaveUp,
}

struct Sender {
    shared: Weak<Shared>,
    shard: Weak<Shard>,
    metrics: Metrics,
    batch: Vec<Outgoing>,
    failing_since: Option<Instant>,
}

impl Sender {
    async fn step(&mut self) -> Step {
        let (Some(shared), Some(shard)) = (self.shared.upgrade(), self.shard.upgrade()) else {
            self.pass_on_moved();
            return Step::Done;
        };
        match self.transmit(&shared, &shard).await {
            Ok(()) => {
                shard.set_refuses(false);
                if self.failing_since.take().is_some() {
                    info!(server = %shard.address(), "Redis takes notices again");
                }
                Step::Done
            }
            Err(error) => {
                let since = *self.failing_since.get_or_insert_with(|| {
                    let error = server::plain(&error);
                    warn!(server = %shard.address(), error, "Redis takes no notices; they wait");
                    Instant::now()
                });
                shard.doubt_layout();
                if since.elapsed() >= GIVE_UP_AFTER {
                    // Though beats may get through.
                    shard.set_refuses(true);
                    shard.set_away(&error);
                }
                if shard.gave_up() {
                    return Step::GaveUp;
                }
                drop((shared, shard));
                tokio::time::sleep(REPEAT_AFTER).await;
                self.pass_on_moved();
                Step::Again
            }
        }
    }

    /// Writes presence before it publishes, so that an instance which hears of a change and reads presence sees it. Notices
    /// of other chats do not wait for presence that was refused.
    async fn transmit(&mut self, shared: &Shared, shard: &Shard) -> RedisResult<()> {
        let refused = write_presence(shared, shard).await?;
        self.publish(shard, &refused.keys).await?;
        refused.into_result()
    }

    /// Publishes the batch, except about the chats that wait, and keeps what was not confirmed.
    async fn publish(&mut self, shard: &Shard, waiting: &HashSet<ChatKey>) -> RedisResult<()> {
        let mut pipeline = Pipeline::with_capacity(self.batch.len());
        for Outgoing { key, payload } in &self.batch {
            if !waiting.contains(key) {
                let publish = pipeline.cmd("SPUBLISH");
                publish.arg(names::channel(*key)).arg(payload.as_slice());
            }
        }
        if pipeline.is_empty() {
            return Ok(());
        }
        if self.failing_since.is_some() {
            self.metrics.repeated.inc_by(pipeline.len() as u64);
        }
        let batch_len = self.batch.len();
        let mut failure = Ok(());
        let answers = shard.run(&pipeline).await?;
        let mut failed = answers
            .into_iter()
            .map(|answer| match answer.extract_error() {
                Ok(_) => false,
                Err(error) => {
                    failure = Err(error);
                    true
                }
            });
        self.batch
            .retain(|Outgoing { key, .. }| waiting.contains(key) || failed.next().unwrap_or(true));
        drop(failed);
        let taken_len = batch_len - self.batch.len();
        self.metrics.published.inc_by(taken_len as u64);
        shard.unqueue(taken_len);
        failure
    }

    /// Passes notices on to the shards that serve their chats now.
    fn pass_on_moved(&mut self) {
        let Some(shared) = self.shared.upgrade() else {
            return self.batch.clear();
        };
        let stays = |key| shared.with_shard(key, |shard| Arc::as_ptr(shard) == self.shard.as_ptr());
        let moved = self.batch.extract_if(.., |outgoing| !stays(outgoing.key));
        for outgoing in moved {
            if let Some(shard) = self.shard.upgrade() {
                shard.unqueue(1);
            }
            shared.with_shard(outgoing.key, |shard| shard.queue(outgoing));
        }
    }
}

/// The presence that Redis refused to write.
#[derive(Default)]
pub(super) struct Refused {
    keys: HashSet<ChatKey>,
    why: Option<RedisError>,
}

impl Refused {
    pub(super) fn into_result(self) -> RedisResult<()> {
        self.why.map_or(Ok(()), Err)
    }
}

/// Writes all presence that is not written yet. What was refused or not confirmed is kept.
pub(super) async fn write_presence(shared: &Shared, shard: &Shard) -> RedisResult<Refused> {
    // Nobody may return while another has taken something and not written it.
    let _writing = shard.writing.lock().await;
    let (mut kept, mut refused, mut failure) = (Vec::new(), Refused::default(), Ok(()));
    loop {
        let writes = shard.chats.lock().take_unwritten(BATCH_LEN_MAX);
        let len = writes.len();
        match write(shard, &writes, &shared.own_name).await {
            Ok(answers) => {
                for ((key, write), answer) in writes.into_iter().zip(answers) {
                    let Err(error) = answer else { continue };
                    kept.push((key, write));
                    // While a slot is on its way to another server a missing key can be neither written nor read.
                    if error.kind() != ServerErrorKind::Ask.into() {
                        refused.keys.insert(key);
                        refused.why = Some(error);
                    }
                }
            }
            Err(error) => {
                kept.extend(writes);
                failure = Err(error);
            }
        }
        if len < BATCH_LEN_MAX || failure.is_err() {
            break;
        }
    }
    for (key, write) in kept {
        // Writing it twice is harmless.
        shared.with_shard(key, |shard| shard.chats.lock().put_back(key, write));
    }
    failure.map(|()| refused)
}

/// Writes presence; each write has its own answer.
async fn write(
    shard: &Shard,
    writes: &[(ChatKey, PresenceWrite)],
    own_name: &str,
) -> RedisResult<Vec<RedisResult<Value>>> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let mut pipeline = Pipeline::with_capacity(2 * writes.len());
    for (key, write) in writes {
        let name = names::open(*key);
        match write {
            PresenceWrite::Delete => {
                pipeline.cmd("UNLINK").arg(name);
            }
            PresenceWrite::Set(NOBODY) => {
                pipeline.cmd("HDEL").arg(name).arg(own_name);
            }
            PresenceWrite::Set(open) => {
                let life_ms = OPEN_LIFE.as_millis() as u64;
                let write = pipeline.cmd("HSET").arg(&name);
                write.arg(own_name).arg(bits(*open));
                pipeline.cmd("PEXPIRE").arg(name).arg(life_ms);
            }
        }
    }
    let answers = shard.run(&pipeline).await?;
    let mut answers = answers.into_iter().map(Value::extract_error);
    let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
    let answers = writes.iter().map(|(_, write)| match write {
        PresenceWrite::Delete | PresenceWrite::Set(NOBODY) => next(),
        PresenceWrite::Set(_) => next().and(next()),
    });
    Ok(answers.collect())
}

pub(super) const NOBODY: BySeat<bool> = BySeat([false, false]);

/// Encodes seats: 1 for seat 1, 2 for seat 2, 3 for both.
fn bits(open: BySeat<bool>) -> u8 {
    u8::from(open[Seat::One]) | u8::from(open[Seat::Two]) << 1
}

/// Decodes [`bits`].
pub(super) fn seats(bits: u8) -> BySeat<bool> {
    BySeat([bits & 1 != 0, bits & 2 != 0])
}
