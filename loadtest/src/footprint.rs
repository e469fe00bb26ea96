//! What a cluster takes of the machine at a moment: whether that grows is what long runs are for.

use std::fmt;

use harness::{
    faults::FaultError,
    servers::{Cluster, Process},
};
use serde::Serialize;

use crate::usage::Processes;

const MIB: f64 = (1 << 20) as f64;
/// What holds something of a chat; a tombstone does not.
const TABLES: [&str; 5] = ["chats", "seats", "sessions", "asks", "messages"];
/// Keys that are not about a chat: the instances' leases, and the list of them.
const OF_INSTANCES: [&str; 2] = ["duet:lease:", "duet:instances:"];

/// What a cluster takes.
#[derive(Clone, Debug, Serialize)]
pub struct Footprint {
    /// One for each instance.
    pub instances: Vec<ProcessFootprint>,
    /// Connections of instances to PostgreSQL.
    pub postgres_connections: i64,
    /// The whole database on the disk, its indexes included.
    pub database_mib: f64,
    /// Connections of instances to Redis.
    pub redis_connections: u64,
    /// Memory that Redis says it uses.
    pub redis_mib: f64,
    /// What is stored of chats.
    pub traces: Traces,
}

/// What one process takes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ProcessFootprint {
    /// Resident memory.
    pub resident_mib: f64,
    /// Open files and sockets.
    pub descriptors: usize,
}

/// How much is stored of chats, tombstones aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traces {
    /// Rows in PostgreSQL.
    pub rows: i64,
    /// Keys in Redis.
    pub keys: usize,
}

impl Footprint {
    /// Looks at everything.
    ///
    /// # Errors
    /// [`FaultError`] when PostgreSQL or Redis does not answer.
    pub async fn of(cluster: &Cluster) -> Result<Self, FaultError> {
        let (mut postgres_connections, mut database_bytes) = (0, 0);
        for postgres in cluster.databases() {
            let count =
                "SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'duet'),
                    pg_database_size(current_database())";
            let counted = postgres.connect().await?.query_one(count, &[]).await?;
            postgres_connections += counted.get::<_, i64>(0);
            database_bytes += counted.get::<_, i64>(1);
        }
        let mut redis = cluster.redis.connect().await?;
        let info: String = redis::cmd("INFO").query_async(&mut redis).await?;
        let value = |name: &str| -> u64 {
            let line = info
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|value| value.trim().parse().ok())
                .unwrap_or(0)
        };
        Ok(Self {
            instances: ProcessFootprint::of_instances(cluster),
            postgres_connections,
            database_mib: database_bytes as f64 / MIB,
            // One of them is ours.
            redis_connections: value("connected_clients").saturating_sub(1),
            redis_mib: value("used_memory") as f64 / MIB,
            traces: Traces::of(cluster).await?,
        })
    }
}

impl ProcessFootprint {
    /// One for each instance of a cluster.
    pub fn of_instances(cluster: &Cluster) -> Vec<Self> {
        let members = cluster.members.iter();
        members
            .map(|member| Self::of(member.instance.process()))
            .collect()
    }

    /// A process that is not running takes nothing.
    fn of(process: Option<&Process>) -> Self {
        let processes = process.map(|process| Processes::new(&[process.id()]));
        let usage = processes.and_then(Result::ok).unwrap_or_default().usage();
        Self {
            resident_mib: usage.resident_bytes as f64 / MIB,
            descriptors: usage.descriptors,
        }
    }
}

impl Traces {
    /// Counts what is there.
    ///
    /// # Errors
    /// [`FaultError`] when PostgreSQL or Redis does not answer.
    pub async fn of(cluster: &Cluster) -> Result<Self, FaultError> {
        let counts = TABLES.map(|table| format!("(SELECT count(*) FROM {table})"));
        let sql = format!("SELECT {}", counts.join(" + "));
        let mut rows = 0;
        for postgres in cluster.databases() {
            let counted = postgres.connect().await?.query_one(&sql, &[]).await?;
            rows += counted.get::<_, i64>(0);
        }
        let mut redis = cluster.redis.connect().await?;
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await?;
        let of_chat = |key: &&String| !OF_INSTANCES.iter().any(|name| key.starts_with(name));
        let keys = keys.iter().filter(of_chat).count();
        Ok(Self { rows, keys })
    }

    /// Whether nothing is left.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, instance) in self.instances.iter().enumerate() {
            let ProcessFootprint {
                resident_mib,
                descriptors,
            } = instance;
            writeln!(
                f,
                "  instance {number}: {resident_mib:.1} MiB, {descriptors} descriptors"
            )?;
        }
        writeln!(
            f,
            "  PostgreSQL: {} connections, {:.1} MiB on the disk, {} rows of chats",
            self.postgres_connections, self.database_mib, self.traces.rows
        )?;
        write!(
            f,
            "  Redis: {} connections, {:.1} MiB, {} keys of chats",
            self.redis_connections, self.redis_mib, self.traces.keys
        )
    }
}
