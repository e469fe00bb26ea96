//! Sends to a shard: notices in their order, and presence.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use actors::domain::{BySeat, ChatKey, Seat};
use redis::{Pipeline, RedisResult};
use tracing::{info, warn};

use super::{Shared, chats::PresenceWrite, metrics::Metrics, names, server, shard::Shard};

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
        away: false,
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
    away: bool,
}

impl Sender {
    async fn step(&mut self) -> Step {
        let (Some(shared), Some(shard)) = (self.shared.upgrade(), self.shard.upgrade()) else {
            self.pass_on_moved();
            return Step::Done;
        };
        match self.transmit(&shared, &shard).await {
            Ok(()) => {
                if std::mem::take(&mut self.away) {
                    info!(server = %shard.address(), "Redis takes notices again");
                }
                Step::Done
            }
            Err(error) => {
                if !std::mem::replace(&mut self.away, true) {
                    let error = server::plain(&error);
                    warn!(server = %shard.address(), error, "Redis takes no notices; they wait");
                }
                shard.doubt_layout();
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

    /// Writes presence before it publishes, so that an instance which hears of a change and reads presence sees it.
    async fn transmit(&mut self, shared: &Shared, shard: &Shard) -> RedisResult<()> {
        write_presence(shared, shard).await?;
        self.publish(shard).await
    }

    /// Publishes the batch, and keeps what was not confirmed.
    async fn publish(&mut self, shard: &Shard) -> RedisResult<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut pipeline = Pipeline::with_capacity(self.batch.len());
        for Outgoing { key, payload } in &self.batch {
            let publish = pipeline.cmd("SPUBLISH");
            publish.arg(names::channel(*key)).arg(payload.as_slice());
        }
        let sent_len = self.batch.len();
        if self.away {
            self.metrics.repeated.inc_by(sent_len as u64);
        }
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
        self.batch.retain(|_| failed.next().unwrap_or(true));
        drop(failed);
        let taken_len = sent_len - self.batch.len();
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

/// Writes all presence that is not written yet.
pub(super) async fn write_presence(shared: &Shared, shard: &Shard) -> RedisResult<()> {
    // Nobody may return while another has taken something and not written it.
    let _writing = shard.writing.lock().await;
    loop {
        let writes = shard.chats.lock().take_unwritten(BATCH_LEN_MAX);
        if let Err(error) = write(shard, &writes, &shared.own_name).await {
            for (key, write) in writes {
                // Writing it twice is harmless.
                shared.with_shard(key, |shard| shard.chats.lock().put_back(key, write));
            }
            return Err(error);
        }
        if writes.len() < BATCH_LEN_MAX {
            return Ok(());
        }
    }
}

async fn write(
    shard: &Shard,
    writes: &[(ChatKey, PresenceWrite)],
    own_name: &str,
) -> RedisResult<()> {
    if writes.is_empty() {
        return Ok(());
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
    shard.ask(&pipeline).await
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
