//! What `duet doctor` finds out about Redis.

use std::collections::HashMap;

use redis::{Pipeline, RedisResult, Value};

use super::{RedisBus, server, shard::Shard};
use crate::store::examine::{Finding, latency, milliseconds};

impl RedisBus {
    /// Asks every server that serves a part of the names.
    pub async fn examine(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for shard in self.0.shards() {
            let address = shard.address();
            found.push(match examine(&shard).await {
                Ok(what) => Finding::fine(format!("{address} is {what}")),
                Err(error) => {
                    let why = server::explain(&error);
                    Finding::fault(format!("{address} cannot be used: {why}"))
                }
            });
        }
        found
    }
}

async fn examine(shard: &Shard) -> RedisResult<String> {
    // Every user may say hello, also one with no more than the rights that duet needs.
    let mut hello = Pipeline::with_capacity(1);
    hello.cmd("HELLO");
    let answers = server::check(shard.run(&hello).await?)?;
    let (about,): (HashMap<String, Value>,) = redis::from_redis_value(Value::Array(answers))?;
    let word = |name: &str| match about.get(name) {
        Some(Value::BulkString(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::SimpleString(text)) => text.clone(),
        _ => "unknown".into(),
    };
    let (version, mode, role) = (word("version"), word("mode"), word("role"));
    let mut publish = Pipeline::with_capacity(1);
    // Nobody listens to this name.
    publish
        .cmd("SPUBLISH")
        .arg(shard.tag.beats("doctor"))
        .arg("");
    let publish = async || server::check(shard.run(&publish).await?).map(drop);
    let time = milliseconds(latency(publish).await?);
    Ok(format!(
        "Redis {version}, {mode}, {role}; a publish takes {time}"
    ))
}
