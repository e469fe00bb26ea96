//! Who is compared: programs that speak the API, started as two instances on a fresh PostgreSQL and Redis.

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    thread,
};

use tempfile::TempDir;

use crate::servers::{Postgres, Process, Redis, StartError, folder, free_port};

/// The tool talks from one address for two people of every chat, faster than people do.
const OUT_OF_THE_WAY: &str = "100000000";

/// A program to compare.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contender {
    pub(super) name: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Duet(PathBuf),
    /// A command that takes `PORT`, `DATABASE_URL` and `REDIS_URL` from its environment.
    Rival(Vec<String>),
    /// A command that takes the address to listen on, and needs nothing else.
    Bare(PathBuf),
}

/// What the instances stand on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ground {
    /// Two instances on PostgreSQL and Redis.
    Two,
    /// One instance on PostgreSQL, with the courier of one process.
    One,
    /// One instance on SQLite.
    Embedded,
}

/// Running instances and what they stand on; all of it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Cluster {
    instances: Vec<Instance>,
    /// For each instance of duet: they share the machine's cores.
    workers: usize,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    folder: TempDir,
}

#[derive(Debug)]
struct Instance {
    process: Process,
    address: SocketAddr,
}

impl Contender {
    pub(super) fn duet(program: PathBuf) -> Self {
        Self {
            name: "duet".to_owned(),
            kind: Kind::Duet(program),
        }
    }

    pub(super) fn bare(program: PathBuf) -> Self {
        Self {
            name: "bare".to_owned(),
            kind: Kind::Bare(program),
        }
    }

    /// Reads `name=command`; the words of the command are separated by blanks.
    pub(super) fn rival(text: &str) -> Result<Self, String> {
        let (name, command) = text.split_once('=').unwrap_or_default();
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || command.is_empty() {
            return Err("give name=command, such as go=./chat-peer-go".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            kind: Kind::Rival(command),
        })
    }

    pub(super) fn is_duet(&self) -> bool {
        matches!(self.kind, Kind::Duet(_))
    }

    pub(super) fn is_bare(&self) -> bool {
        matches!(self.kind, Kind::Bare(_))
    }

    /// The program file, where it is one.
    pub(super) fn program(&self) -> Option<&PathBuf> {
        match &self.kind {
            Kind::Duet(program) | Kind::Bare(program) => Some(program),
            Kind::Rival(_) => None,
        }
    }

    /// Starts the instances on servers of their own.
    pub(super) fn start(&self, ground: Ground) -> Result<Cluster, StartError> {
        let folder = folder("compare")?;
        let alone = self.is_bare();
        let postgres = match ground {
            Ground::Two | Ground::One if !alone => Some(Postgres::start()?),
            _ => None,
        };
        let redis = match ground {
            Ground::Two if !alone => Some(Redis::start()?),
            _ => None,
        };
        let count = if ground == Ground::Two && !alone {
            2
        } else {
            1
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut cluster = Cluster {
            instances: Vec::new(),
            workers: (cores / count).max(1),
            postgres,
            redis,
            folder,
        };
        for number in 0..count {
            let instance = cluster.instance(self, number)?;
            cluster.instances.push(instance);
        }
        Ok(cluster)
    }

    fn command(&self, address: SocketAddr, cluster: &Cluster) -> Command {
        let postgres = cluster.postgres.as_ref().map(Postgres::url);
        let redis = cluster.redis.as_ref().map(Redis::url);
        match &self.kind {
            Kind::Duet(program) => {
                let sqlite = format!(
                    "sqlite://{}",
                    cluster.folder.path().join("duet.db").display()
                );
                let mut command = Command::new(program);
                command
                    .env("DUET_SERVER__BIND", address.to_string())
                    .env("DUET_SERVER__WORKERS", cluster.workers.to_string())
                    .env("DUET_STORE__URL", postgres.unwrap_or(sqlite))
                    .env("DUET_BUS__URL", redis.unwrap_or_else(|| "local".to_owned()))
                    .env("DUET_LIMITS__SENDS_PER_SEAT_PER_SECOND", OUT_OF_THE_WAY)
                    .env("DUET_LIMITS__SENDS_PER_SEAT_BURST", OUT_OF_THE_WAY)
                    .env("DUET_LIMITS__MESSAGES_PER_CHAT", OUT_OF_THE_WAY);
                command
            }
            Kind::Rival(words) => {
                let mut command = Command::new(&words[0]);
                command
                    .args(&words[1..])
                    .env("PORT", address.port().to_string())
                    .env("DATABASE_URL", postgres.unwrap_or_default())
                    .env("REDIS_URL", redis.unwrap_or_default());
                command
            }
            Kind::Bare(program) => {
                let mut command = Command::new(program);
                command.arg(address.to_string());
                command
            }
        }
    }
}

impl Cluster {
    fn instance(&self, contender: &Contender, number: usize) -> Result<Instance, StartError> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let log = self.folder.path().join(format!("instance-{number}.log"));
        let mut command = contender.command(address, self);
        let process = Process::start(&contender.name, &mut command, &log, |_| {
            TcpStream::connect(address).is_ok()
        })?;
        Ok(Instance { process, address })
    }

    /// The addresses, as `--api` takes them.
    pub(super) fn api(&self) -> String {
        let urls = self
            .instances
            .iter()
            .map(|instance| format!("http://{}", instance.address));
        urls.collect::<Vec<_>>().join(",")
    }

    /// The instances' processes, as `--pid` takes them.
    pub(super) fn pids(&self) -> String {
        joined(self.instances.iter().map(|instance| instance.process.id()))
    }

    /// The same with those of PostgreSQL and Redis.
    pub(super) fn all_pids(&self) -> String {
        let instances = self.instances.iter().map(|instance| instance.process.id());
        let postgres = self.postgres.as_ref().and_then(Postgres::process);
        let redis = self.redis.as_ref().and_then(Redis::process);
        let servers = postgres.into_iter().chain(redis).map(Process::id);
        joined(instances.chain(servers))
    }
}

fn joined(pids: impl Iterator<Item = u32>) -> String {
    pids.map(|pid| pid.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rival_is_a_name_and_a_command() {
        let rival = Contender::rival("node=node target/peers/node/server.js").unwrap();
        assert_eq!(rival.name, "node");
        assert_eq!(
            rival.kind,
            Kind::Rival(vec![
                "node".to_owned(),
                "target/peers/node/server.js".to_owned()
            ])
        );
        for wrong in ["", "go", "go=", "=./go"] {
            assert!(Contender::rival(wrong).is_err(), "{wrong:?}");
        }
    }
}
