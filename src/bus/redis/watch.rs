//! Keeps the list of a shard's instances: enters this one, reads who else is there, and strikes out those whose lease is out.

use std::collections::{BTreeSet, HashMap};

use redis::{Pipeline, RedisResult, Value};
use uuid::Uuid;

use super::{publisher::OPEN_LIFE, server, shard::Shard};

/// The field of the list that holds its stamp; all others are names of instances.
pub(super) const STAMP: &str = "stamp";
/// What is announced of an instance whose lease is out.
pub(super) const DIED: &str = "died";

/// What the answers to a beat tell of the instances.
pub(super) struct Roll {
    /// Whether the own lease had run out.
    pub(super) lapsed: bool,
    /// The stamp of the list.
    pub(super) stamp: Option<String>,
    /// Those of the watched whose lease is out.
    pub(super) silent: Vec<String>,
}

/// Does what a beat's answers ask for.
pub(super) async fn follow(shard: &Shard, roll: Roll) -> RedisResult<()> {
    if shard.is_leaving() {
        // It has just taken itself off the list, or is about to.
        return Ok(());
    }
    let mut silent = roll.silent;
    // It may be dead for longer than one beat, and those who would have noticed with it: so whoever follows is looked at
    // in the same turn.
    while !silent.is_empty() && shard.members().may_blame() {
        strike_out(shard, &silent).await?;
        let watched = shard.members().watched(&shard.own_name);
        silent = without_lease(shard, watched).await?;
    }
    let outdated = {
        let members = shard.members();
        members.is_outdated(roll.stamp.as_deref()) || members.has_unknown(&shard.own_name)
    };
    if outdated || roll.lapsed {
        read(shard, roll.lapsed || roll.stamp.is_none()).await?;
    }
    Ok(())
}

/// Reads the list, on which this instance must be.
async fn read(shard: &Shard, mut enter: bool) -> RedisResult<()> {
    let own_name = &shard.own_name;
    let (stamp, listed) = loop {
        let (stamp, listed) = list(shard, enter).await?;
        // Whoever found its lease out has struck it out, or Redis has lost the list.
        if enter || listed.contains(own_name) {
            break (stamp, listed);
        }
        enter = true;
    };
    let unknown = shard.members().unknown(&listed, own_name);
    let silent = without_lease(shard, unknown.clone()).await?;
    let leased = unknown.into_iter().filter(|name| !silent.contains(name));
    let leased = leased.collect();
    if shard.members().read(stamp, listed, leased) {
        shard.report_all_missed();
    }
    Ok(())
}

/// The stamp of the list and the names on it, once this instance is entered if need be.
async fn list(shard: &Shard, enter: bool) -> RedisResult<(Option<String>, BTreeSet<String>)> {
    let mut pipeline = Pipeline::with_capacity(3);
    if enter {
        let entry = pipeline.cmd("HSET").arg(shard.tag.instances());
        entry
            .arg(&shard.own_name)
            .arg(1)
            .arg(STAMP)
            .arg(new_stamp());
        prolong(&mut pipeline, shard);
    }
    pipeline.cmd("HGETALL").arg(shard.tag.instances());
    let answers = server::check(shard.run(&pipeline).await?)?;
    let answer = answers.into_iter().next_back().unwrap_or(Value::Nil);
    let mut fields: HashMap<String, String> = redis::from_redis_value(answer)?;
    let stamp = fields.remove(STAMP);
    Ok((stamp, fields.into_keys().collect()))
}

/// Keeps the list from running out, and reads it whether or not its stamp has changed: a Redis that took only half of what it
/// was told may have struck somebody out without one.
pub(super) async fn renew(shard: &Shard) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(1);
    prolong(&mut pipeline, shard);
    server::check(shard.run(&pipeline).await?)?;
    read(shard, false).await
}

fn prolong(pipeline: &mut Pipeline, shard: &Shard) {
    let life_ms = OPEN_LIFE.as_millis() as u64;
    let prolong = pipeline.cmd("PEXPIRE").arg(shard.tag.instances());
    prolong.arg(life_ms);
}

/// Those of some instances whose lease is out.
async fn without_lease(shard: &Shard, mut names: Vec<String>) -> RedisResult<Vec<String>> {
    if names.is_empty() {
        return Ok(names);
    }
    let mut ask = Pipeline::with_capacity(names.len());
    for name in &names {
        ask.cmd("EXISTS").arg(shard.tag.lease(name));
    }
    let mut leased = server::check(shard.run(&ask).await?)?.into_iter();
    names.retain(|_| leased.next() == Some(Value::Int(0)));
    Ok(names)
}

/// Takes dead instances off the list, and tells everybody. One that lives after all finds itself struck out, and enters
/// itself again.
async fn strike_out(shard: &Shard, dead: &[String]) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(4 * dead.len());
    for name in dead {
        leave(&mut pipeline, shard, name, DIED);
    }
    server::check(shard.run(&pipeline).await?)?;
    dead.iter().for_each(|name| shard.bury(name));
    Ok(())
}

/// What takes an instance off the list and announces why.
pub(super) fn leave(pipeline: &mut Pipeline, shard: &Shard, name: &str, why: &str) {
    let list = shard.tag.instances();
    pipeline.cmd("HDEL").arg(&list).arg(name);
    pipeline.cmd("HSET").arg(&list).arg(STAMP).arg(new_stamp());
    // The stamp may be all that there is.
    prolong(pipeline, shard);
    announce(pipeline, shard, name, why);
}

/// What tells all instances something about one.
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
