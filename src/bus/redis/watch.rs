//! Maintains the list of a shard's instances: enters this one, reads the others, and removes those without a lease.

use std::collections::HashMap;

use redis::{ErrorKind, Pipeline, RedisResult, Value};
use uuid::Uuid;

use super::{heartbeat, members::List, publisher::OPEN_LIFE, shard::Shard};

/// The field of the list that holds its stamp; all others are names of instances.
pub(super) const STAMP: &str = "stamp";
/// Announced of an instance whose lease has run out.
pub(super) const DIED: &str = "died";

/// The replies to a beat's commands.
pub(super) struct BeatReply {
    /// Whether this instance's lease had run out.
    pub(super) lapsed: bool,
    /// The stamp of the list.
    pub(super) stamp: Option<String>,
    /// The watched instances without a lease.
    pub(super) silent: Vec<String>,
}

/// Processes the replies to a beat: declares instances dead, and reads the list if it has changed.
pub(super) async fn process(shard: &Shard, reply: BeatReply) -> RedisResult<()> {
    if shard.is_leaving() {
        // It removes itself from the list.
        return Ok(());
    }
    let mut silent = reply.silent;
    // The successors of a dead instance may be dead too, if their watchers died with them. So they are checked at once.
    while !silent.is_empty() && shard.members.lock().may_declare_dead() {
        remove_dead(shard, &silent).await?;
        let watched = shard.members.lock().watched(&shard.own_name);
        silent = without_lease(shard, watched).await?;
    }
    let outdated = {
        let members = shard.members.lock();
        members.is_outdated(reply.stamp.as_deref()) || members.has_unknown(&shard.own_name)
    };
    let enter = shard.set_must_enter(false) || reply.lapsed;
    if outdated || enter {
        read(shard, enter || reply.stamp.is_none()).await?;
    }
    Ok(())
}

/// Reads the list unless this stamp is the one that was read last. Returns whether it was another.
pub(super) async fn read_if_outdated(shard: &Shard, stamp: Option<&str>) -> RedisResult<bool> {
    if !shard.members.lock().is_outdated(stamp) {
        return Ok(false);
    }
    if shard.is_leaving() {
        return Err((ErrorKind::Client, "this instance has left the bus").into());
    }
    // If many find it outdated at once, only one reads it.
    let _reading = shard.reading.lock().await;
    if shard.members.lock().is_outdated(stamp) {
        read(shard, stamp.is_none()).await?;
    }
    Ok(true)
}

/// Reads the list, and enters this instance if it is missing.
async fn read(shard: &Shard, mut enter: bool) -> RedisResult<()> {
    let own_name = &shard.own_name;
    let (stamp, listed) = loop {
        let (stamp, listed) = list(shard, enter).await?;
        // It was removed by a peer that found no lease, or Redis has lost the list.
        if enter || listed.contains_key(own_name) {
            break (stamp, listed);
        }
        enter = true;
    };
    let unknown = shard.members.lock().unknown(listed.keys(), own_name);
    let silent = without_lease(shard, unknown.clone()).await?;
    let leased = unknown.into_iter().filter(|name| !silent.contains(name));
    let leased = leased.collect();
    if shard.members.lock().read(stamp, listed, leased) {
        shard.report_all_missed();
    }
    Ok(())
}

/// The stamp and the names of the list. With `enter`, first writes all presence of this instance, which counts as complete
/// once the instance is on the list, and then enters it. Redis may have lost the presence and not the lease, if it lost its
/// data between two commands of a beat, the first of which renewed the lease.
async fn list(shard: &Shard, enter: bool) -> RedisResult<(Option<String>, List)> {
    let mut pipeline = Pipeline::with_capacity(3);
    if enter {
        shard.chats.lock().write_all_again();
        heartbeat::keep_lease(shard, shard.write_presence()).await?;
        let entry = pipeline.cmd("HSET").arg(shard.tag.instances());
        entry.arg(&shard.own_name).arg(shard.next_entry());
        entry.arg(STAMP).arg(new_stamp());
        extend_life(&mut pipeline, shard);
    }
    pipeline.cmd("HGETALL").arg(shard.tag.instances());
    let mut answers: Vec<Value> = shard.ask(&pipeline).await?;
    let answer = answers.pop().unwrap_or(Value::Nil);
    let mut fields: HashMap<String, String> = redis::from_redis_value(answer)?;
    let stamp = fields.remove(STAMP);
    let fields = fields.into_iter();
    let listed = fields.map(|(name, entry)| (name, entry.parse().unwrap_or_default()));
    Ok((stamp, listed.collect()))
}

/// Extends the list's life, and reads it even if its stamp is the same: if Redis executed only half of a pipeline, an
/// instance may have been removed without a new stamp.
pub(super) async fn renew(shard: &Shard) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(1);
    extend_life(&mut pipeline, shard);
    shard.ask::<()>(&pipeline).await?;
    read(shard, false).await
}

/// Fails while Redis lacks the presence of an instance that is alive.
pub(super) fn check_complete(shard: &Shard) -> RedisResult<()> {
    match shard.members.lock().are_complete() {
        true => Ok(()),
        false => Err((ErrorKind::Client, "an instance's presence is missing").into()),
    }
}

fn extend_life(pipeline: &mut Pipeline, shard: &Shard) {
    let life_ms = OPEN_LIFE.as_millis() as u64;
    let expire = pipeline.cmd("PEXPIRE").arg(shard.tag.instances());
    expire.arg(life_ms);
}

/// The instances among `names` without a lease.
pub(super) async fn without_lease(
    shard: &Shard,
    mut names: Vec<String>,
) -> RedisResult<Vec<String>> {
    if names.is_empty() {
        return Ok(names);
    }
    let mut ask = Pipeline::with_capacity(names.len());
    for name in &names {
        ask.cmd("EXISTS").arg(shard.tag.lease(name));
    }
    let mut leased = shard.ask::<Vec<bool>>(&ask).await?.into_iter();
    names.retain(|_| leased.next() == Some(false));
    Ok(names)
}

/// Removes dead instances from the list and announces it. One that is alive after all finds itself missing and enters
/// itself again.
async fn remove_dead(shard: &Shard, dead: &[String]) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(4 * dead.len());
    for name in dead {
        leave(&mut pipeline, shard, name, DIED);
    }
    shard.ask::<()>(&pipeline).await?;
    dead.iter().for_each(|name| shard.declare_dead(name));
    Ok(())
}

/// Adds the commands that remove an instance from the list and announce why.
pub(super) fn leave(pipeline: &mut Pipeline, shard: &Shard, name: &str, why: &str) {
    let list = shard.tag.instances();
    pipeline.cmd("HDEL").arg(&list).arg(name);
    pipeline.cmd("HSET").arg(&list).arg(STAMP).arg(new_stamp());
    // The stamp may be the only field, in a new hash without expiry.
    extend_life(pipeline, shard);
    announce(pipeline, shard, name, why);
}

/// Adds the command that announces something about an instance to all.
pub(super) fn announce(pipeline: &mut Pipeline, shard: &Shard, name: &str, what: &str) {
    let words = format!("{name} {what}");
    pipeline
        .cmd("SPUBLISH")
        .arg(shard.tag.instances())
        .arg(words);
}

fn new_stamp() -> String {
    Uuid::new_v4().to_string()
}
