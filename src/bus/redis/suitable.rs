//! Checks at the start whether a server can be used.

use redis::{Pipeline, RedisResult};

use super::{
    Shared, heartbeat,
    names::{SLOTS, ShardTag},
    server,
    shard::Shard,
};

/// Checks that a server can be used.
pub(super) async fn try_once(shared: &Shared, shard: &Shard) -> RedisResult<()> {
    heartbeat::once(shard, 0).await?;
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

/// Tries every command that serving needs, so that one that is forbidden or unknown is reported at the start and
/// not when a chat first needs it.
async fn try_every_command(shared: &Shared, shard: &Shard) -> RedisResult<()> {
    let mut pipeline = Pipeline::new();
    // Nobody asks for this name.
    let (name, life_ms) = (&shard.tag.lease("probe"), 1_000);
    pipeline.cmd("PING");
    pipeline.cmd("HSET").arg(name).arg("field").arg(1);
    pipeline.cmd("PEXPIRE").arg(name).arg(life_ms);
    pipeline.cmd("HGETALL").arg(name);
    pipeline.cmd("HDEL").arg(name).arg("field");
    pipeline.cmd("EXISTS").arg(name);
    pipeline.cmd("UNLINK").arg(name);
    shard.ask::<()>(&pipeline).await?;
    let listening = shared.servers.connect(shard.address(), None).await?;
    let mut pipeline = Pipeline::new();
    for command in ["SSUBSCRIBE", "SUNSUBSCRIBE"] {
        pipeline.cmd(command).arg(shard.tag.beats("probe"));
    }
    server::read(listening.run(&pipeline).await?)
}
