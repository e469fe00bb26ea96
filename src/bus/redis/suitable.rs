//! Checks at the start whether a server can be used.

use redis::{Pipeline, RedisError, RedisResult, Value};

use super::{
    Shared,
    names::{SLOTS, ShardTag},
    server,
    shard::Shard,
};

/// Checks that a server can be used.
pub(super) async fn try_once(shared: &Shared, shard: &Shard) -> RedisResult<()> {
    try_every_command(shared, shard).await?;
    if shared.servers.cluster {
        return Ok(());
    }
    // A server of a cluster accepts only some slots, so it could seem to work for long.
    let mut pipeline = Pipeline::with_capacity(2);
    for slot in [0, SLOTS - 1] {
        let tag = ShardTag::of(|served| served == slot).expect("every slot has a tag");
        pipeline.cmd("SPUBLISH").arg(tag.beats("probe")).arg("");
    }
    shard.ask(&pipeline).await
}

/// Tries every command that serving needs, so that all that are forbidden or unknown are reported at the start and
/// not when a chat first needs them.
async fn try_every_command(shared: &Shared, shard: &Shard) -> RedisResult<()> {
    let mut pipeline = Pipeline::new();
    // Nobody asks for these names.
    let [text, hash] = ["probe", "probes"].map(|name| shard.tag.lease(name));
    let (channel, life_ms) = (shard.tag.beats("probe"), 1_000);
    pipeline.cmd("PING");
    let set = pipeline.cmd("SET").arg(&text).arg(1);
    set.arg("PX").arg(life_ms).arg("GET");
    pipeline.cmd("EXISTS").arg(&text);
    pipeline.cmd("HSET").arg(&hash).arg("field").arg(1);
    pipeline.cmd("PEXPIRE").arg(&hash).arg(life_ms);
    pipeline.cmd("HGET").arg(&hash).arg("field");
    pipeline.cmd("HGETALL").arg(&hash);
    pipeline.cmd("HDEL").arg(&hash).arg("field");
    pipeline.cmd("UNLINK").arg(&hash);
    pipeline.cmd("SPUBLISH").arg(&channel).arg("");
    let mut answers = shard.run(&pipeline).await?;
    let listening = shared.servers.connect(shard.address(), None).await?;
    let mut pipeline = Pipeline::new();
    for command in ["SSUBSCRIBE", "SUNSUBSCRIBE"] {
        pipeline.cmd(command).arg(&channel);
    }
    answers.extend(listening.run(&pipeline).await?);
    let errors = answers.into_iter().map(Value::extract_error);
    all_in_one(errors.filter_map(Result::err).collect())
}

/// The error that waiting does not cure, with the details of all others of its kind.
fn all_in_one(errors: Vec<RedisError>) -> RedisResult<()> {
    let lasting = errors.iter().find(|error| !server::is_away(error));
    let Some(error) = lasting.or(errors.first()) else {
        return Ok(());
    };
    let alike = errors.iter().filter(|other| other.kind() == error.kind());
    let mut details: Vec<&str> = alike
        .filter_map(RedisError::detail)
        .map(str::trim)
        .collect();
    details.dedup();
    match details.len() {
        0 | 1 => Err(error.clone()),
        _ => Err((error.kind(), "refused", details.join("; ")).into()),
    }
}
