//! Running instances and what they stand on.

use std::{
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    thread,
};

use harness::servers::{Postgres, Process, Redis, StartError, folder, free_port};
use tempfile::TempDir;

use super::contender::Ground;

/// Running instances and what they stand on; all of it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) instances: Vec<Instance>,
    /// What the instances need to find each other, and do not talk to afterwards.
    pub(super) helper: Option<Process>,
    pub(super) postgres: Option<Postgres>,
    pub(super) redis: Option<Redis>,
    folder: TempDir,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) process: Process,
    /// Where it is, as `--api` takes it.
    pub(super) url: String,
}

impl Cluster {
    /// Nothing yet.
    pub(super) fn new() -> Result<Self, StartError> {
        Ok(Self {
            instances: Vec::new(),
            helper: None,
            postgres: None,
            redis: None,
            folder: folder("compare")?,
        })
    }

    /// Where everybody's files are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the servers that the instances will stand on; how many instances there are to be.
    pub(super) fn start_ground(&mut self, ground: Ground) -> Result<usize, StartError> {
        if ground != Ground::Embedded {
            self.postgres = Some(Postgres::start()?);
        }
        if ground == Ground::Two {
            self.redis = Some(Redis::start()?);
            return Ok(2);
        }
        Ok(1)
    }

    /// So many instances share the machine's cores.
    pub(super) fn cores_for_each_of(&self, instances: usize) -> usize {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        (cores / instances).max(1)
    }

    /// Starts one more instance by a command that is told where to listen.
    pub(super) fn add(
        &mut self,
        name: &str,
        command: impl FnOnce(SocketAddr, &Self) -> Command,
    ) -> Result<(), StartError> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let number = self.instances.len();
        let log = self.folder().join(format!("instance-{number}.log"));
        let mut command = command(address, self);
        let process = Process::start(name, &mut command, &log, |_| {
            TcpStream::connect(address).is_ok()
        })?;
        let url = format!("http://{address}");
        self.instances.push(Instance { process, url });
        Ok(())
    }

    /// The addresses, as `--api` takes them.
    pub(super) fn api(&self) -> String {
        let urls = self.instances.iter().map(|instance| instance.url.as_str());
        urls.collect::<Vec<_>>().join(",")
    }

    /// The instances' processes, as `--pid` takes them.
    pub(super) fn pids(&self) -> String {
        joined(self.instances.iter().map(|instance| instance.process.id()))
    }

    /// Those of PostgreSQL and Redis, as `--beside` takes them.
    pub(super) fn pids_beside(&self) -> String {
        let postgres = self.postgres.as_ref().and_then(Postgres::process);
        let redis = self.redis.as_ref().and_then(Redis::process);
        joined(postgres.into_iter().chain(redis).map(Process::id))
    }

    /// All of them.
    pub(super) fn all_pids(&self) -> String {
        format!("{},{}", self.pids(), self.pids_beside())
    }
}

/// Instances are asked to stop before they are killed: a program that counts what it does (`make tuned`)
/// writes that down at its end.
impl Drop for Cluster {
    fn drop(&mut self) {
        for instance in &mut self.instances {
            // One that goes on is killed.
            let _ = instance.process.stop();
        }
    }
}

fn joined(pids: impl Iterator<Item = u32>) -> String {
    pids.map(|pid| pid.to_string())
        .collect::<Vec<_>>()
        .join(",")
}
