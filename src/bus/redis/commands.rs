//! What goes to Redis: notices, presence, beats and the lease, over one multiplexed connection.

use std::{
    sync::{Weak, atomic::Ordering},
    time::Duration,
};

use redis::{Pipeline, RedisResult};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{BEAT_INTERVAL, COMMON_CHANNEL, LEASE, Outgoing, Shared, bits, lease_key, open_key};

/// Sent in one go.
const BATCH_LEN_MAX: usize = 256;
/// How long to wait before what was not confirmed is sent again.
const REPEAT_AFTER: Duration = Duration::from_millis(100);
/// How long an entry about open seats may outlive an instance that died without a word.
const OPEN_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a beat says when notices of this instance were lost.
pub(super) const LOST: &str = "lost";
/// What an instance says last.
pub(super) const GONE: &str = "gone";

/// Sends what waits, in order, and sends again what was not confirmed: those who listen drop what
/// they know already.
pub(super) async fn send(shared: Weak<Shared>, mut outgoing: mpsc::Receiver<Outgoing>) {
    let mut batch = Vec::with_capacity(BATCH_LEN_MAX);
    let mut away = false;
    while outgoing.recv_many(&mut batch, BATCH_LEN_MAX).await > 0 {
        while let Some(shared) = shared.upgrade() {
            match transmit(&shared, &batch).await {
                Ok(()) => {
                    if std::mem::take(&mut away) {
                        info!("Redis takes notices again");
                    }
                    break;
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        warn!(%error, "Redis takes no notices; they wait");
                    }
                    drop(shared);
                    tokio::time::sleep(REPEAT_AFTER).await;
                }
            }
        }
        batch.clear();
    }
}

async fn transmit(shared: &Shared, batch: &[Outgoing]) -> RedisResult<()> {
    let boot = shared.boot.to_string();
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for outgoing in batch {
        match outgoing {
            Outgoing::Publish { channel, parcel } => {
                pipeline.publish(channel, parcel.as_slice()).ignore();
            }
            Outgoing::Open { key, open } => match bits(*open) {
                0 => {
                    pipeline.hdel(open_key(*key), &boot).ignore();
                }
                bits => {
                    let life_ms = OPEN_LIFE.as_millis() as i64;
                    pipeline.hset(open_key(*key), &boot, bits).ignore();
                    pipeline.pexpire(open_key(*key), life_ms).ignore();
                }
            },
            Outgoing::Leave(_) => {
                pipeline.del(lease_key(&boot)).ignore();
                pipeline
                    .publish(COMMON_CHANNEL, format!("{boot} {GONE}"))
                    .ignore();
            }
        }
    }
    if shared.lost.swap(false, Ordering::AcqRel) {
        pipeline
            .publish(COMMON_CHANNEL, format!("{boot} {LOST}"))
            .ignore();
    }
    let sent = pipeline.exec_async(&mut shared.commands.clone()).await;
    if sent.is_err() {
        // Whether the word got through is not known; said twice it does no harm.
        shared.lost.store(true, Ordering::Release);
    }
    sent
}

/// Beats for ever, and renews the lease.
pub(super) async fn beat(shared: Weak<Shared>) {
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if shared.leaving.load(Ordering::Acquire) {
            return;
        }
        let boot = shared.boot.to_string();
        let mut pipeline = Pipeline::new();
        pipeline
            .pset_ex(lease_key(&boot), 1, LEASE.as_millis() as u64)
            .ignore();
        pipeline
            .publish(COMMON_CHANNEL, format!("{boot} beat"))
            .ignore();
        // A beat that fails is missed by everybody, this instance included, and that is its use.
        let _ = pipeline.exec_async(&mut shared.commands.clone()).await;
    }
}
