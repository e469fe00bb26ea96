//! Checks of Redis for `duet doctor`.

use std::collections::HashMap;

use redis::{ErrorKind, Pipeline, RedisResult, ServerErrorKind, Value};

use super::{RedisBus, server, shard::Shard};
use crate::store::examine::{Finding, clock, latency, milliseconds};

impl RedisBus {
    /// Checks every server that serves a shard.
    pub async fn examine(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for shard in self.0.shards() {
            let address = shard.address();
            match examine(&shard).await {
                Ok(what) => found.push(Finding::ok(format!("{address} is {what}"))),
                Err(error) => {
                    let why = server::explain(&error);
                    found.push(Finding::fault(format!("{address} cannot be used: {why}")));
                    continue;
                }
            }
            let mut compared = compare_clocks(&shard).await;
            compared.what = format!("{address}: {}", compared.what);
            found.push(compared);
        }
        found
    }
}

/// A user without the right to TIME is only a warning: duet does not depend on Redis' clock.
async fn compare_clocks(shard: &Shard) -> Finding {
    let mut time = Pipeline::with_capacity(1);
    time.cmd("TIME");
    let ask = async || {
        let ((seconds, microseconds),): ((i64, i64),) = shard.ask(&time).await?;
        RedisResult::Ok(
            seconds
                .saturating_mul(1_000)
                .saturating_add(microseconds / 1_000),
        )
    };
    clock(ask).await.unwrap_or_else(|error| {
        let forbidden = ErrorKind::Server(ServerErrorKind::NoPerm);
        Finding::warning(match error.kind() == forbidden {
            true => "its clock was not compared: the user may not do so without +time".into(),
            false => format!("its clock was not compared: {}", server::explain(&error)),
        })
    })
}

async fn examine(shard: &Shard) -> RedisResult<String> {
    // HELLO is allowed for every user, even with the minimal rights.
    let mut hello = Pipeline::with_capacity(1);
    hello.cmd("HELLO");
    let (about,): (HashMap<String, Value>,) = shard.ask(&hello).await?;
    let word = |name: &str| match about.get(name) {
        Some(Value::BulkString(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::SimpleString(text)) => text.clone(),
        _ => "unknown".into(),
    };
    let (version, mode, role) = (word("version"), word("mode"), word("role"));
    let mut publish = Pipeline::with_capacity(1);
    // A channel without subscribers.
    publish
        .cmd("SPUBLISH")
        .arg(shard.tag.beats("doctor"))
        .arg("");
    let time = milliseconds(latency(async || shard.ask(&publish).await).await?);
    Ok(format!(
        "Redis {version}, {mode}, {role}; a publish takes {time}"
    ))
}
