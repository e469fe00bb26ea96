//! Beats and leases: by what an instance shows that it lives.

use std::{
    sync::{Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use redis::{Pipeline, RedisResult, Value};

use super::{heard_beats::SILENT_BEATS_MAX, publisher::OPEN_LIFE, server, shard::Shard};

/// How often an instance beats.
pub(super) const BEAT_INTERVAL: Duration = Duration::from_millis(200);
/// How long a lease outlives its last renewal: not quite until the peers take the silence for an
/// end, so that whoever is told of it and looks finds no ghost.
const LEASE: Duration = BEAT_INTERVAL.saturating_mul(SILENT_BEATS_MAX - 2);
/// How often the peers are told at most that notices were dropped.
const LOST_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is written again what is open: well before its life is over.
const OPEN_INTERVAL: Duration = OPEN_LIFE.checked_div(3).expect("three is not zero");

/// What a beat says when notices of its instance were dropped.
pub(super) const LOST: &str = "lost";
/// What an instance says last.
pub(super) const GONE: &str = "gone";

/// Beats for ever.
pub(super) async fn beat(shard: Weak<Shard>) {
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut leased = false;
    let (mut told_lost, mut wrote_open): (Option<Instant>, _) = (None, Instant::now());
    for beat in 1.. {
        interval.tick().await;
        let Some(shard) = shard.upgrade() else {
            return;
        };
        if shard
            .shared
            .upgrade()
            .is_none_or(|shared| shared.leaving.load(Ordering::Acquire))
        {
            return;
        }
        let may_tell = told_lost.is_none_or(|told| told.elapsed() >= LOST_INTERVAL);
        let lost = may_tell && shard.set_lost(false);
        match once(&shard, beat, lost).await {
            Ok(lapsed) => {
                let sound = shard.hearing().taken(beat);
                if sound {
                    shard.sound();
                }
                if lost {
                    told_lost = Some(Instant::now());
                }
                // It was stopped, or cut off, or Redis has lost its memory.
                if lapsed && leased {
                    shard.write_open_again();
                    shard.report_all_missed();
                }
                leased = true;
            }
            // A beat that fails is missed by everybody, and that is its use.
            Err(error) => {
                if lost {
                    shard.set_lost(true);
                }
                shard.fail(&error);
            }
        }
        if wrote_open.elapsed() >= OPEN_INTERVAL {
            wrote_open = Instant::now();
            shard.write_open_again();
        }
    }
}

/// Beats once and renews the lease; answers whether that had run out.
pub(super) async fn once(shard: &Shard, beat: u64, lost: bool) -> RedisResult<bool> {
    let Some(shared) = shard.shared.upgrade() else {
        return Ok(false);
    };
    let own_name = &shared.own_name;
    let word = if lost { LOST } else { "" };
    let life_ms = LEASE.as_millis() as u64;
    let mut pipeline = Pipeline::with_capacity(2);
    let lease = pipeline.cmd("SET").arg(shard.tag.lease(own_name));
    lease.arg(1).arg("PX").arg(life_ms).arg("GET");
    say(&mut pipeline, shard, format!("{own_name} {beat} {word}"));
    let answers = server::check(shard.run(&pipeline).await?)?;
    Ok(matches!(answers.first(), Some(Value::Nil)))
}

/// Gives up the lease and says so, so that nobody has to find out.
pub(super) async fn last(shard: &Shard) -> RedisResult<()> {
    let Some(shared) = shard.shared.upgrade() else {
        return Ok(());
    };
    let own_name = &shared.own_name;
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("UNLINK").arg(shard.tag.lease(own_name));
    say(&mut pipeline, shard, format!("{own_name} 0 {GONE}"));
    server::check(shard.run(&pipeline).await?).map(drop)
}

fn say(pipeline: &mut Pipeline, shard: &Shard, words: String) {
    pipeline.cmd("SPUBLISH").arg(shard.tag.beats()).arg(words);
}
