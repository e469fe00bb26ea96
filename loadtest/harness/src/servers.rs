//! Private servers for tests and for runs that inject faults: on free ports, in fresh folders,
//! killed at will, gone when dropped.

mod certificates;
mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod proxy;
mod redis;
mod redis_cluster;
mod sentinel;

pub mod instance;

mod balancer;
mod site;

mod cluster;

use std::io;

use tempfile::TempDir;

pub use balancer::{Balancer, Kind, Shape};
pub use certificates::{Authority, Identity};
pub use cluster::{Cluster, Member};
pub use instance::{Instance, program};
pub use pgbouncer::PgBouncer;
pub use ports::{HeldPort, free_port, require_free};
pub use postgres::Postgres;
pub use process::Process;
pub use proxy::{Proxy, Stalled};
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use sentinel::SentinelSite;
pub use site::Site;

/// A private server could not be started: what is missing or in the way.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl StartError {
    fn from_io(what: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }
}

/// A folder for a server of this name; it goes when it is dropped.
///
/// # Errors
/// When none can be made.
pub fn folder(server: &str) -> Result<TempDir, StartError> {
    tempfile::Builder::new()
        .prefix(&format!("duet-{server}-"))
        .tempdir()
        .map_err(StartError::from_io("no temporary folder"))
}
