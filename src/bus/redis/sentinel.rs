//! Finds the master through sentinels. What they say is checked with the server itself, because a server that was
//! promoted by hand is the master whatever the sentinels still believe.

use std::collections::HashMap;

use futures_util::future::join_all;
use redis::{ErrorKind, Pipeline, RedisResult, ServerErrorKind, Value};

use super::{
    layout::{Layout, Ranges},
    link::Link,
    server::{self, Address, Sentinels, Servers},
};

/// Asks all sentinels, and the servers that they name.
///
/// # Errors
/// When no sentinel answers, or none of the servers is a master.
pub(super) async fn discover(servers: &Servers, sentinels: &Sentinels) -> RedisResult<Layout> {
    let seeds = &sentinels.servers.seeds;
    let answers = join_all(seeds.iter().map(|seed| ask(sentinels, seed))).await;
    let mut failure = None;
    // For each server, how many sentinels name it as the master; 0 for replicas.
    let mut named: HashMap<Address, usize> = HashMap::new();
    for answer in answers {
        match answer {
            Ok(Named { master, replicas }) => {
                *named.entry(master).or_default() += 1;
                for replica in replicas {
                    named.entry(replica).or_default();
                }
            }
            Err(error) => failure = Some(error),
        }
    }
    let mut candidates: Vec<(Address, usize)> = named.into_iter().collect();
    // All instances must choose the same server, so ties are broken by address.
    candidates.sort_by_key(|(address, votes)| (usize::MAX - votes, address.to_string()));
    let roles = candidates.iter().map(|(address, _)| role(servers, address));
    let roles = join_all(roles).await;
    for ((address, votes), role) in candidates.into_iter().zip(roles) {
        match role {
            Ok(Role::Master) => return Ok(Ranges::of_one(address)),
            Ok(Role::Hidden) if votes > 0 => return Ok(Ranges::of_one(address)),
            Ok(Role::Replica | Role::Hidden) => {}
            Err(error) => failure = Some(error),
        }
    }
    Err(failure
        .unwrap_or_else(|| (ServerErrorKind::MasterDown.into(), "no server is a master").into()))
}

/// The servers that a sentinel names.
struct Named {
    master: Address,
    replicas: Vec<Address>,
}

async fn ask(sentinels: &Sentinels, sentinel: &Address) -> RedisResult<Named> {
    let Sentinels { master, servers } = sentinels;
    let mut pipeline = Pipeline::with_capacity(2);
    let named = pipeline.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME");
    named.arg(master);
    pipeline.cmd("SENTINEL").arg("REPLICAS").arg(master);
    let answers = Link::new(sentinel.clone()).run(servers, &pipeline).await?;
    let mut answers = answers.into_iter();
    let (named, replicas) = (answers.next(), answers.next());
    let named = named.unwrap_or(Value::Nil).extract_error()?;
    let Some((host, port)) = redis::from_redis_value::<Option<(String, u16)>>(named)? else {
        let why = "the sentinel does not know a master of this name";
        return Err((ErrorKind::InvalidClientConfig, why, master.clone()).into());
    };
    let replicas = replicas.unwrap_or(Value::Nil).extract_error()?;
    let replicas: Vec<HashMap<String, String>> = redis::from_redis_value(replicas)?;
    let address = |replica: HashMap<String, String>| {
        let port = replica.get("port")?.parse().ok()?;
        let host = replica.get("ip")?.clone();
        Some(Address { host, port })
    };
    Ok(Named {
        master: Address { host, port },
        replicas: replicas.into_iter().filter_map(address).collect(),
    })
}

enum Role {
    Master,
    Replica,
    /// Unknown: the user may not run ROLE.
    Hidden,
}

async fn role(servers: &Servers, address: &Address) -> RedisResult<Role> {
    let mut pipeline = Pipeline::with_capacity(1);
    pipeline.cmd("ROLE");
    let answers = Link::new(address.clone()).run(servers, &pipeline).await?;
    let answers = match server::read::<Vec<Value>>(answers) {
        Err(error) if error.kind() == ServerErrorKind::NoPerm.into() => return Ok(Role::Hidden),
        answers => answers?,
    };
    let role = match answers.into_iter().next() {
        Some(Value::Array(parts)) => parts.into_iter().next(),
        _ => None,
    };
    let role: String = redis::from_redis_value(role.unwrap_or(Value::Nil)).unwrap_or_default();
    Ok(if role == "master" {
        Role::Master
    } else {
        Role::Replica
    })
}
