//! Beats and leases: how an instance shows that it is alive, and learns whether it hears and who else is alive.

use std::{
    pin::pin,
    sync::Weak,
    time::{Duration, Instant},
};

use redis::{Pipeline, RedisResult, Value};
use tokio::time::timeout;

use super::{
    publisher::OPEN_LIFE,
    shard::Shard,
    watch::{self, BeatReply},
};

/// How often an instance beats.
pub(super) const BEAT_INTERVAL: Duration = Duration::from_millis(200);
/// How many beats a lease outlives its last renewal. Watchers check it once per beat, so a death is announced within two
/// seconds, and by then the lease is gone for whoever checks again.
pub(super) const LEASE_BEATS: u32 = 8;
const LEASE: Duration = BEAT_INTERVAL.saturating_mul(LEASE_BEATS);
/// The peers are told at most this often that notices were dropped.
const LOST_INTERVAL: Duration = Duration::from_secs(1);
/// How often presence is written again: well before it expires.
const OPEN_INTERVAL: Duration = OPEN_LIFE.checked_div(3).expect("three is not zero");

/// Announced by an instance that has dropped notices.
pub(super) const LOST: &str = "lost";
/// Announced by an instance that stops.
pub(super) const GONE: &str = "gone";

/// Beats for ever.
pub(super) async fn beat(shard: Weak<Shard>) {
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut leased = false;
    let (mut told_lost, mut wrote_open): (Option<Instant>, _) = (None, Instant::now());
    for beat in 1.. {
        interval.tick().await;
        let Some(shard) = shard.upgrade() else { return };
        if shard.is_leaving() {
            return;
        }
        match once(&shard, beat).await {
            Ok(reply) => {
                // This instance was suspended or cut off, or Redis has lost its data: `watch::process` writes all of it again.
                if reply.lapsed && leased {
                    shard.members.lock().await_all();
                    shard.report_all_missed();
                }
                leased = true;
                let works = shard.heard_beats.lock().accept(beat);
                if works {
                    shard.set_up();
                }
                // Only after an accepted beat: a Redis that refuses writes still publishes, and the others would compare
                // their chats with every beat.
                let may_tell = told_lost.is_none_or(|told| told.elapsed() >= LOST_INTERVAL);
                if may_tell && shard.set_lost(false) {
                    told_lost = Some(Instant::now());
                    if let Err(error) = report_lost(&shard).await {
                        shard.set_lost(true);
                        shard.set_away(&error);
                    }
                }
                if let Err(error) = watch::process(&shard, reply).await {
                    shard.set_away(&error);
                }
            }
            // A failed beat is what shows that the shard is away.
            Err(error) => shard.set_away(&error),
        }
        if shard.chats.lock().has_unwritten() {
            shard.writes_wait.notify_one();
        }
        if wrote_open.elapsed() >= OPEN_INTERVAL {
            wrote_open = Instant::now();
            shard.write_open_again();
            if let Err(error) = watch::renew(&shard).await {
                shard.set_away(&error);
            }
        }
    }
}

/// Sends one beat, renews the lease, and checks the leases of the watched peers.
pub(super) async fn once(shard: &Shard, beat: u64) -> RedisResult<BeatReply> {
    let own_name = &shard.own_name;
    let watched = shard.members.lock().watched(own_name);
    let mut pipeline = Pipeline::with_capacity(3 + watched.len());
    let lease = pipeline.cmd("SET").arg(shard.tag.lease(own_name));
    let life_ms = LEASE.as_millis() as u64;
    lease.arg(1).arg("PX").arg(life_ms).arg("GET");
    let list = shard.tag.instances();
    pipeline.cmd("HGET").arg(list).arg(watch::STAMP);
    for name in &watched {
        pipeline.cmd("EXISTS").arg(shard.tag.lease(name));
    }
    let channel = shard.tag.beats(own_name);
    pipeline.cmd("SPUBLISH").arg(channel).arg(beat);
    let answers: Vec<Value> = shard.ask(&pipeline).await?;
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Value::Nil);
    Ok(BeatReply {
        lapsed: next() == Value::Nil,
        stamp: redis::from_redis_value(next())?,
        silent: watched
            .into_iter()
            .filter(|_| next() == Value::Int(0))
            .collect(),
    })
}

/// Renews the lease while the beat waits for something that may outlast it.
pub(super) async fn keep_lease<T>(shard: &Shard, awaited: impl Future<Output = T>) -> T {
    let mut awaited = pin!(awaited);
    loop {
        if let Ok(done) = timeout(BEAT_INTERVAL, awaited.as_mut()).await {
            return done;
        }
        let mut pipeline = Pipeline::with_capacity(1);
        // Does not bring back a lease that has run out: the next beat must find that out.
        let renewal = pipeline.cmd("PEXPIRE");
        renewal.arg(shard.tag.lease(&shard.own_name));
        renewal.arg(LEASE.as_millis() as u64);
        // What is awaited goes on if this fails, and the next beat fails as well.
        let _ = shard.run(&pipeline).await;
    }
}

async fn report_lost(shard: &Shard) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(1);
    watch::announce(&mut pipeline, shard, &shard.own_name, LOST);
    shard.ask(&pipeline).await
}

/// Deletes the lease and announces it, so that nobody has to detect it.
pub(super) async fn last(shard: &Shard) -> RedisResult<()> {
    let own_name = &shard.own_name;
    let mut pipeline = Pipeline::with_capacity(5);
    pipeline.cmd("UNLINK").arg(shard.tag.lease(own_name));
    watch::leave(&mut pipeline, shard, own_name, GONE);
    shard.ask(&pipeline).await
}
