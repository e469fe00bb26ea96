//! Checks of Redis for `duet doctor`.

use std::collections::HashMap;

use redis::{ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

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
            let mut kept = check_eviction(&shard).await;
            kept.what = format!("{address}: {}", kept.what);
            found.push(kept);
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
    let not_compared = |error| not_checked("its clock was not compared", "+time", &error);
    clock(ask).await.unwrap_or_else(not_compared)
}

/// A Redis that drops keys when its memory is full makes people silently absent.
async fn check_eviction(shard: &Shard) -> Finding {
    let mut info = Pipeline::with_capacity(1);
    info.cmd("INFO").arg("memory");
    let memory = match shard.ask::<(String,)>(&info).await {
        Ok((memory,)) => memory,
        Err(error) => return not_checked("its maxmemory-policy was not checked", "+info", &error),
    };
    let mut lines = memory.lines();
    match lines.find_map(|line| line.strip_prefix("maxmemory_policy:")) {
        Some("noeviction") => Finding::ok("when its memory is full it drops no key"),
        Some(policy) => Finding::warning(format!(
            "when its memory is full it drops keys, and people who are online are shown as absent: set maxmemory-policy \
             to noeviction (it is {policy})"
        )),
        None => Finding::warning("it does not tell its maxmemory-policy, which must be noeviction"),
    }
}

/// A right that only the doctor needs may be missing.
fn not_checked(what: &str, right: &str, error: &RedisError) -> Finding {
    let forbidden = ErrorKind::Server(ServerErrorKind::NoPerm);
    Finding::warning(match error.kind() == forbidden {
        true => format!("{what}: the user may not do so without {right}"),
        false => format!("{what}: {}", server::explain(error)),
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
