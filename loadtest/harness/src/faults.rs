//! What can happen to a cluster: each fault begins, lasts for a while, ends, and is repaired.
//!
//! Repairing is a step of its own for faults whose damage must be healed by those that are left:
//! an instance that is dead stays dead until both people have seen everything.

use std::{collections::HashSet, fmt, ops::RangeInclusive, time::Duration};

use clap::ValueEnum;
use serde::Serialize;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use crate::servers::{Cluster, Member, Process, Redis, Stalled, StartError};

/// How long an instance may take to subscribe (again) before its subscription can be attacked.
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// One kind of fault. Those of one instance happen to the member that is named with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// `kill -9` in the middle of its work; it is started again.
    InstanceKilled,
    /// Its way to Redis stalls, so that it commits and cannot publish; then `kill -9`.
    InstanceKilledBeforePublishing,
    /// `SIGSTOP`, `SIGCONT`.
    InstancePaused,
    /// Nothing passes between it and Redis.
    InstanceWithoutRedis,
    /// Its connections to PostgreSQL are cut, and new ones refused.
    InstanceWithoutPostgres,
    /// PostgreSQL hears it and its answers are held, then its connections are cut: whether
    /// something was committed is unknown to it.
    CommitsUnanswered,
    /// The socket it listens to Redis with stays open, and nothing comes.
    SubscriptionDeaf,
    /// `CLIENT KILL TYPE pubsub`: subscriptions are lost, commands go on.
    SubscriptionsKilled,
    /// `kill -9`; a new one is started at its port.
    RedisKilled,
    /// `kill -9`; a new one comes much later.
    RedisStaysAway,
    /// It is out of memory, and refuses what is to be written.
    RedisFull,
    /// It is made a replica: it only reads.
    RedisDemoted,
    /// `CLIENT PAUSE`.
    RedisClientsPaused,
    /// `SIGSTOP`, `SIGCONT`.
    RedisPaused,
    /// `kill -9` of all its processes; it recovers from its log.
    PostgresKilled,
    /// `pg_terminate_backend` on every connection.
    BackendsTerminated,
    /// PostgreSQL and Redis die at once.
    BothKilled,
}

/// Why a fault could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// A server does not come back.
    #[error(transparent)]
    Start(#[from] StartError),
    /// PostgreSQL does not do what it is told.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// Redis does not do what it is told.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// There is no such connection.
    #[error("no subscription of that instance is known to Redis")]
    NoSubscription,
}

impl Fault {
    /// Begins. Blocks for moments, so the runtime needs a second thread.
    ///
    /// # Errors
    /// [`FaultError`] when it cannot be made.
    pub async fn begin(
        self,
        cluster: &mut Cluster,
        member: usize,
        lasts: Duration,
    ) -> Result<(), FaultError> {
        let Cluster {
            postgres,
            redis,
            members,
            ..
        } = cluster;
        let member = &mut members[member];
        match self {
            Self::InstanceKilled => block_in_place(|| member.instance.kill()),
            Self::InstancePaused => member
                .instance
                .process()
                .into_iter()
                .for_each(Process::pause),
            Self::InstanceKilledBeforePublishing | Self::InstanceWithoutRedis => {
                member.to_redis.stall(Stalled::BOTH);
            }
            Self::InstanceWithoutPostgres => {
                member.to_postgres.refuse(true);
                member.to_postgres.cut();
            }
            Self::CommitsUnanswered => member.to_postgres.stall(Stalled::TO_CLIENT),
            Self::SubscriptionDeaf => deafen(redis, member).await?,
            Self::SubscriptionsKilled => {
                client_command(redis, &["KILL", "TYPE", "pubsub"]).await?;
            }
            Self::RedisClientsPaused => {
                client_command(redis, &["PAUSE", &lasts.as_millis().to_string()]).await?;
            }
            Self::RedisPaused => redis.process().into_iter().for_each(Process::pause),
            Self::RedisKilled | Self::RedisStaysAway => block_in_place(|| redis.kill()),
            Self::RedisFull => tell(redis, &["CONFIG", "SET", "maxmemory", "1"])?,
            Self::RedisDemoted => tell(redis, &["REPLICAOF", "127.0.0.1", "1"])?,
            Self::PostgresKilled => block_in_place(|| postgres.kill()),
            Self::BackendsTerminated => {
                postgres.connect().await?.execute(TERMINATE, &[]).await?;
            }
            Self::BothKilled => block_in_place(|| {
                redis.kill();
                postgres.kill();
            }),
        }
        Ok(())
    }

    /// Ends.
    ///
    /// # Errors
    /// [`FaultError`] when a server does not come back.
    pub fn end(self, cluster: &mut Cluster, member: usize) -> Result<(), FaultError> {
        let Cluster {
            postgres,
            redis,
            members,
            ..
        } = cluster;
        let member = &mut members[member];
        match self {
            Self::InstanceKilled => block_in_place(|| member.instance.resume())?,
            Self::InstanceKilledBeforePublishing => {
                block_in_place(|| member.instance.kill());
                // What it said last must not come through now.
                member.to_redis.cut();
                member.to_redis.stall(Stalled::NEITHER);
            }
            Self::InstancePaused => member
                .instance
                .process()
                .into_iter()
                .for_each(Process::go_on),
            Self::InstanceWithoutRedis | Self::SubscriptionDeaf => {
                member.to_redis.stall(Stalled::NEITHER);
            }
            Self::InstanceWithoutPostgres => member.to_postgres.refuse(false),
            Self::CommitsUnanswered => {
                member.to_postgres.cut();
                member.to_postgres.stall(Stalled::NEITHER);
            }
            Self::RedisKilled | Self::RedisStaysAway => block_in_place(|| redis.resume())?,
            Self::RedisFull => tell(redis, &["CONFIG", "SET", "maxmemory", "0"])?,
            Self::RedisDemoted => tell(redis, &["REPLICAOF", "NO", "ONE"])?,
            Self::RedisPaused => redis.process().into_iter().for_each(Process::go_on),
            Self::PostgresKilled => block_in_place(|| postgres.resume())?,
            Self::BothKilled => block_in_place(|| {
                postgres.resume()?;
                redis.resume()
            })?,
            // Over by themselves.
            Self::SubscriptionsKilled | Self::RedisClientsPaused | Self::BackendsTerminated => {}
        }
        Ok(())
    }

    /// Makes good what is left of it.
    ///
    /// # Errors
    /// [`FaultError`] when a server does not come back.
    pub fn repair(self, cluster: &mut Cluster, member: usize) -> Result<(), FaultError> {
        if self == Self::InstanceKilledBeforePublishing {
            block_in_place(|| cluster.members[member].instance.resume())?;
        }
        Ok(())
    }

    /// How long it may sensibly last, in milliseconds.
    pub fn lasts_ms(self) -> RangeInclusive<u64> {
        match self {
            // Longer than every lease, silence and deadline in the system.
            Self::InstancePaused => 10_000..=10_000,
            // Long enough that the store brings the news.
            Self::RedisStaysAway => 4_000..=8_000,
            // Over at once; what follows is what matters.
            Self::SubscriptionsKilled | Self::BackendsTerminated => 100..=500,
            // The less time there is, the fewer of its peers have noticed that it is silent.
            Self::InstanceKilledBeforePublishing => 300..=4_000,
            _ => 200..=3_000,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InstanceKilled => "an instance is killed",
            Self::InstanceKilledBeforePublishing => {
                "an instance is killed between commit and publishing"
            }
            Self::InstancePaused => "an instance is stopped in its tracks",
            Self::InstanceWithoutRedis => "an instance is cut off from Redis",
            Self::InstanceWithoutPostgres => "an instance is cut off from PostgreSQL",
            Self::CommitsUnanswered => "an instance's connections are cut in the middle of commits",
            Self::SubscriptionDeaf => "an instance's subscription is open and deaf",
            Self::SubscriptionsKilled => "all subscriptions are killed",
            Self::RedisKilled => "Redis is killed",
            Self::RedisStaysAway => "Redis stays away",
            Self::RedisFull => "Redis is out of memory",
            Self::RedisDemoted => "Redis is made a replica",
            Self::RedisClientsPaused => "Redis pauses its clients",
            Self::RedisPaused => "Redis is stopped in its tracks",
            Self::PostgresKilled => "PostgreSQL is killed",
            Self::BackendsTerminated => "all PostgreSQL connections are terminated",
            Self::BothKilled => "PostgreSQL and Redis are killed",
        })
    }
}

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

fn tell(redis: &Redis, command: &[&str]) -> Result<(), StartError> {
    let told = block_in_place(|| redis.command(command))?;
    match told.trim() {
        "OK" => Ok(()),
        refusal => Err(StartError(format!("Redis refuses {command:?}: {refusal}"))),
    }
}

/// Stalls what Redis says to an instance's subscriptions, and nothing else.
async fn deafen(redis: &Redis, member: &Member) -> Result<(), FaultError> {
    let give_up_at = Instant::now() + SUBSCRIBED_WITHIN;
    loop {
        let subscribed =
            subscribed_ports(&client_command(redis, &["LIST", "TYPE", "pubsub"]).await?);
        let own = member.to_redis.connections();
        let deaf: Vec<u16> = own
            .into_iter()
            .filter(|port| subscribed.contains(port))
            .collect();
        for port in &deaf {
            member.to_redis.stall_one(*port, Stalled::TO_CLIENT);
        }
        match deaf.is_empty() {
            false => return Ok(()),
            true if Instant::now() > give_up_at => return Err(FaultError::NoSubscription),
            true => sleep(POLL).await,
        }
    }
}

/// Where subscriptions come from, out of the list that Redis gives of them.
fn subscribed_ports(list: &str) -> HashSet<u16> {
    let addresses = list
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("addr="));
    addresses
        .filter_map(|address| address.rsplit(':').next()?.parse().ok())
        .collect()
}

async fn client_command(redis: &Redis, arguments: &[&str]) -> Result<String, FaultError> {
    let mut connection = redis.connect().await?;
    let answer: redis::Value = redis::cmd("CLIENT")
        .arg(arguments)
        .query_async(&mut connection)
        .await?;
    // Some commands answer with a count.
    Ok(redis::from_redis_value(answer).unwrap_or_default())
}
