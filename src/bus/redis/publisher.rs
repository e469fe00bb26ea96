//! What goes to a shard: notices in their order, and which seats are open.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use actors::domain::{BySeat, ChatKey, Seat};
use redis::{Pipeline, RedisResult};
use tracing::{info, warn};

use super::{Shared, chats::Write, metrics::Metrics, names, server, shard::Shard};

/// Sent in one go.
const BATCH_LEN_MAX: usize = 256;
/// How long to wait before what was not confirmed is sent again.
const REPEAT_AFTER: Duration = Duration::from_millis(100);
/// How long it is kept which seats are open, unless it is written again.
pub(super) const OPEN_LIFE: Duration = Duration::from_secs(600);

/// A notice that waits to be sent.
pub(super) struct Outgoing {
    pub(super) key: ChatKey,
    pub(super) parcel: Vec<u8>,
}

/// Sends what waits, and sends again what was not confirmed: those who listen drop what they know
/// already. What another shard serves by now goes there.
pub(super) async fn send(weak: Weak<Shard>) {
    let Some(shard) = weak.upgrade() else { return };
    let outgoing = shard.outgoing.clone();
    let mut outgoing = outgoing.lock().await;
    // What a sender held that has panicked.
    shard.lose_queued_beyond(outgoing.len());
    let writes_wait = shard.writes_wait.clone();
    let mut sender = Sender {
        shared: shard.shared.clone(),
        metrics: shard.metrics.clone(),
        shard: weak,
        batch: Vec::with_capacity(BATCH_LEN_MAX),
        away: false,
    };
    // Until the next notice the shard may go.
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
                    while outgoing.try_recv().is_ok() {}
                    if let Some(shard) = sender.shard.upgrade() {
                        shard.lose_queued_beyond(0);
                    }
                    // What is to be written waits elsewhere.
                    tokio::time::sleep(REPEAT_AFTER).await;
                    writes_wait.notify_one();
                    break;
                }
            }
        }
    }
}

/// What comes after an attempt to send.
enum Step {
    Done,
    Again,
    /// The server has been away for so long that what waits is dropped.
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
    /// Sends once.
    async fn step(&mut self) -> Step {
        let (Some(shared), Some(shard)) = (self.shared.upgrade(), self.shard.upgrade()) else {
            self.pass_on_what_moved();
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
                    warn!(server = %shard.address(), %error, "Redis takes no notices; they wait");
                }
                shard.doubt_layout();
                if shard.gave_up() {
                    self.batch.clear();
                    return Step::GaveUp;
                }
                drop((shared, shard));
                tokio::time::sleep(REPEAT_AFTER).await;
                self.pass_on_what_moved();
                Step::Again
            }
        }
    }

    /// First who is there, so that whoever is told of a change and asks is told the same.
    async fn transmit(&mut self, shared: &Shared, shard: &Shard) -> RedisResult<()> {
        loop {
            let writes = shard.chats().take_unwritten(BATCH_LEN_MAX);
            if let Err(error) = write(shard, &writes, &shared.own_name).await {
                for (key, write) in writes {
                    // To be written twice does no harm.
                    shared.of(key, |shard| shard.chats().give_back(key, write));
                }
                return Err(error);
            }
            if writes.len() < BATCH_LEN_MAX {
                return self.publish(shard).await;
            }
        }
    }

    /// Publishes all that is at hand, and keeps what was not confirmed.
    async fn publish(&mut self, shard: &Shard) -> RedisResult<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut pipeline = Pipeline::with_capacity(self.batch.len());
        for Outgoing { key, parcel } in &self.batch {
            let publish = pipeline.cmd("SPUBLISH");
            publish.arg(names::channel(*key)).arg(parcel.as_slice());
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

    /// Gives notices to the shards that serve their chats now.
    fn pass_on_what_moved(&mut self) {
        let Some(shared) = self.shared.upgrade() else {
            return self.batch.clear();
        };
        let stays = |key| shared.of(key, |shard| Arc::as_ptr(shard) == self.shard.as_ptr());
        let moved = self.batch.extract_if(.., |outgoing| !stays(outgoing.key));
        for outgoing in moved {
            if let Some(shard) = self.shard.upgrade() {
                shard.unqueue(1);
            } else {
                self.metrics.outbox_len.dec();
            }
            shared.of(outgoing.key, |shard| shard.queue(outgoing));
        }
    }
}

async fn write(shard: &Shard, writes: &[(ChatKey, Write)], own_name: &str) -> RedisResult<()> {
    if writes.is_empty() {
        return Ok(());
    }
    let mut pipeline = Pipeline::with_capacity(2 * writes.len());
    for (key, write) in writes {
        let name = names::open(*key);
        match write {
            Write::Nothing => {
                pipeline.cmd("UNLINK").arg(name);
            }
            Write::Seats(NOBODY) => {
                pipeline.cmd("HDEL").arg(name).arg(own_name);
            }
            Write::Seats(open) => {
                let life_ms = OPEN_LIFE.as_millis() as u64;
                let write = pipeline.cmd("HSET").arg(&name);
                write.arg(own_name).arg(bits(*open));
                pipeline.cmd("PEXPIRE").arg(name).arg(life_ms);
            }
        }
    }
    server::check(shard.run(&pipeline).await?)?;
    Ok(())
}

const NOBODY: BySeat<bool> = BySeat([false, false]);

/// Seats as a number: 1 for seat 1, 2 for seat 2, 3 for both.
fn bits(open: BySeat<bool>) -> u8 {
    u8::from(open[Seat::One]) | u8::from(open[Seat::Two]) << 1
}

/// What [`bits`] made, read back.
pub(super) fn seats(bits: u8) -> BySeat<bool> {
    BySeat([bits & 1 != 0, bits & 2 != 0])
}
