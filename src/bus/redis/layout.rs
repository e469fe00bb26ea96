//! The layout: which server serves which hash slots.

use std::{collections::HashSet, sync::Weak, time::Duration};

use actors::domain::ChatKey;
use futures_util::future::join_all;
use redis::{Pipeline, RedisError, RedisResult, Value};
use tracing::{info, warn};

use super::{
    Shared,
    link::Link,
    names::{self, SLOTS},
    sentinel,
    server::{self, Address, Servers},
};

/// The layout is read at most this often, and at least this often.
const READ_INTERVAL_MIN: Duration = Duration::from_millis(100);
const READ_INTERVAL_MAX: Duration = Duration::from_secs(10);

/// A value for each range of slots: the last slot of each range, ascending and without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranges<T>(Vec<(u16, T)>);

/// Which server serves which slots.
pub(super) type Layout = Ranges<Address>;

impl<T> Ranges<T> {
    /// No ranges yet.
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    /// One value for all slots; for a cluster, until its layout is known.
    pub(super) fn of_one(all: T) -> Self {
        Self(vec![(SLOTS - 1, all)])
    }

    pub(super) fn at(&self, slot: u16) -> &T {
        let place = self.0.partition_point(|(last, _)| *last < slot);
        &self.0[place].1
    }

    pub(super) fn of(&self, key: ChatKey) -> &T {
        match &self.0[..] {
            [(_, all)] => all,
            _ => self.at(names::slot(key)),
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, one)| one)
    }

    /// The same ranges of something else.
    pub(super) fn map<U>(&self, mut map: impl FnMut(&T) -> U) -> Ranges<U> {
        Ranges(self.0.iter().map(|(last, one)| (*last, map(one))).collect())
    }
}

/// Reads the layout periodically, and whenever a shard suspects a change.
pub(super) async fn watch(weak: Weak<Shared>) {
    let mut away = false;
    while let Some(shared) = weak.upgrade() {
        let doubt = shared.layout_in_doubt.clone();
        drop(shared);
        let _ = tokio::time::timeout(READ_INTERVAL_MAX, doubt.notified()).await;
        let Some(shared) = weak.upgrade() else { return };
        let shards = shared.shards();
        let known: Vec<&Address> = shards.iter().map(|shard| shard.address()).collect();
        match discover(&shared.servers, &known).await {
            Ok(layout) => {
                away = false;
                if shared.apply_layout(layout) {
                    info!("Redis is served by other servers now");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut away, true) {
                    let error = server::plain(&error);
                    warn!(error, "nobody says which Redis server serves what");
                }
            }
        }
        drop((shards, shared));
        tokio::time::sleep(READ_INTERVAL_MIN).await;
    }
}

/// Asks all known servers for the layout, and takes that with the highest epoch.
///
/// # Errors
/// When no server knows a complete layout.
pub(super) async fn discover(servers: &Servers, known: &[&Address]) -> RedisResult<Layout> {
    if let Some(sentinels) = &servers.sentinels {
        return sentinel::discover(servers, sentinels).await;
    }
    let asked: HashSet<&Address> = known.iter().copied().chain(&servers.seeds).collect();
    let answers = join_all(asked.into_iter().map(|address| ask(servers, address))).await;
    let mut latest: Option<(u64, Layout)> = None;
    let mut failure = None;
    for answer in answers {
        match answer {
            Ok(found) if latest.as_ref().is_none_or(|(epoch, _)| *epoch < found.0) => {
                latest = Some(found);
            }
            Ok(_) => {}
            // An error that waiting does not cure says more than one of an unreachable server.
            Err(error) => match &failure {
                Some(worse) if !server::is_away(worse) => {}
                _ => failure = Some(error),
            },
        }
    }
    let nobody = || std::io::Error::from(std::io::ErrorKind::NotConnected).into();
    match latest {
        Some((_, layout)) => Ok(layout),
        None => Err(failure.unwrap_or_else(nobody)),
    }
}

async fn ask(servers: &Servers, address: &Address) -> RedisResult<(u64, Layout)> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("CLUSTER").arg("INFO");
    pipeline.cmd("CLUSTER").arg("SLOTS");
    let link = Link::new(address.clone());
    let (info, slots): (String, Vec<Value>) = server::read(link.run(servers, &pipeline).await?)?;
    let field = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    if field("cluster_state") != Some("ok") {
        return Err(cluster_down("the cluster is not whole"));
    }
    let epoch = field("cluster_current_epoch").and_then(|epoch| epoch.parse().ok());
    Ok((epoch.unwrap_or_default(), read(slots, address)?))
}

/// A temporary error of a cluster.
fn cluster_down(why: &'static str) -> RedisError {
    (redis::ServerErrorKind::ClusterDown.into(), why).into()
}

/// Reads what `CLUSTER SLOTS` answers: `[first, last, [host, port, …], replica…]…`.
fn read(slots: Vec<Value>, asked: &Address) -> RedisResult<Layout> {
    let mut ranges = Vec::with_capacity(slots.len());
    for range in slots {
        let parts: Vec<Value> = redis::from_redis_value(range)?;
        let [first, last, master, ..] = &parts[..] else {
            return Err(cluster_down("a range of slots has no server"));
        };
        let first: u16 = redis::from_redis_value_ref(first)?;
        let last: u16 = redis::from_redis_value_ref(last)?;
        let master: Vec<Value> = redis::from_redis_value_ref(master)?;
        let [host, port, ..] = &master[..] else {
            return Err(cluster_down("a server has no address"));
        };
        let host: Option<String> = redis::from_redis_value_ref(host)?;
        let host = host.filter(|host| !host.is_empty() && host != "?");
        let address = Address {
            // A server that does not know its own address has the one that it was asked at.
            host: host.unwrap_or_else(|| asked.host.clone()),
            port: redis::from_redis_value_ref(port)?,
        };
        ranges.push((first, last, address));
    }
    ranges.sort_by_key(|(first, ..)| *first);
    let mut next = 0;
    for (first, last, _) in &ranges {
        if *first != next || last < first {
            return Err(cluster_down("some slots have no server"));
        }
        next = last + 1;
    }
    if next != SLOTS {
        return Err(cluster_down("some slots have no server"));
    }
    let ranges = ranges.into_iter();
    Ok(Ranges(
        ranges.map(|(_, last, address)| (last, address)).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> Address {
        Address {
            host: "127.0.0.1".into(),
            port,
        }
    }

    fn range(first: i64, last: i64, host: &str, port: i64) -> Value {
        let text = |text: &str| Value::BulkString(text.into());
        let server = |port| Value::Array(vec![text(host), Value::Int(port), text("id")]);
        let replica = server(port + 1);
        Value::Array(vec![
            Value::Int(first),
            Value::Int(last),
            server(port),
            replica,
        ])
    }

    #[test]
    fn a_whole_cluster_is_read_in_any_order() {
        let slots = vec![
            range(8_000, 16_383, "127.0.0.1", 2),
            range(0, 4_999, "127.0.0.1", 1),
            range(5_000, 7_999, "", 9),
        ];
        let layout = read(slots, &address(9)).unwrap();
        let whole = [
            (4_999, address(1)),
            (7_999, address(9)),
            (16_383, address(2)),
        ];
        assert_eq!(layout.0, whole);
    }

    #[test]
    fn a_cluster_with_gaps_is_refused() {
        for holes in [
            vec![],
            vec![range(0, 16_382, "h", 1)],
            vec![range(1, 16_383, "h", 1)],
            vec![range(0, 7, "h", 1), range(9, 16_383, "h", 2)],
            vec![range(0, 9, "h", 1), range(9, 16_383, "h", 2)],
        ] {
            assert!(read(holes, &address(1)).is_err());
        }
    }
}
