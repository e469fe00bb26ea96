//! Who is compared, and how each is started.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use harness::servers::{Postgres, Redis, StartError};

use super::{cluster::Cluster, ejabberd, nchan};

/// The tool talks from one address for two people of every chat, faster than people do.
const OUT_OF_THE_WAY: &str = "100000000";
/// The longest chat has a million texts of a hundred bytes.
const BYTES_OUT_OF_THE_WAY: &str = "10000000000";

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
    /// Chat over XMPP.
    Ejabberd,
    /// Streams that carry what is published, which nobody stores.
    Nchan,
}

/// What the instances stand on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ground {
    /// Two instances on what they need: duet and its rivals on PostgreSQL and Redis.
    Two,
    /// One instance on PostgreSQL, with the courier of one process.
    One,
    /// One instance on SQLite.
    Embedded,
}

impl Contender {
    pub(super) fn duet(program: PathBuf) -> Self {
        Self::of("duet", Kind::Duet(program))
    }

    pub(super) fn bare(program: PathBuf) -> Self {
        Self::of("bare", Kind::Bare(program))
    }

    /// Reads `name=command`; the words of the command are separated by blanks.
    pub(super) fn rival(text: &str) -> Result<Self, String> {
        let (name, command) = text.split_once('=').unwrap_or_default();
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || command.is_empty() {
            return Err("give name=command, such as go=./chat-peer-go".to_owned());
        }
        Ok(Self::of(name, Kind::Rival(command)))
    }

    /// The systems that Debian packages and people run; in place of one that is not installed, a sentence that says so.
    pub(super) fn packaged() -> [Result<Self, String>; 2] {
        let there_unless = |missing: Option<String>, name: &str, kind| match missing {
            Some(missing) => Err(missing),
            None => Ok(Self::of(name, kind)),
        };
        [
            there_unless(ejabberd::missing(), "ejabberd", Kind::Ejabberd),
            there_unless(nchan::missing(), "nchan", Kind::Nchan),
        ]
    }

    fn of(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
        }
    }

    pub(super) fn is_duet(&self) -> bool {
        matches!(self.kind, Kind::Duet(_))
    }

    pub(super) fn is_bare(&self) -> bool {
        matches!(self.kind, Kind::Bare(_))
    }

    /// Whether it speaks duet's API, and is compared in everything.
    pub(super) fn is_rival(&self) -> bool {
        matches!(self.kind, Kind::Rival(_))
    }

    pub(super) fn is_nchan(&self) -> bool {
        self.kind == Kind::Nchan
    }

    pub(super) fn is_packaged(&self) -> bool {
        matches!(self.kind, Kind::Ejabberd | Kind::Nchan)
    }

    /// The program file, where it is one.
    pub(super) fn program(&self) -> Option<&PathBuf> {
        match &self.kind {
            Kind::Duet(program) | Kind::Bare(program) => Some(program),
            Kind::Rival(_) | Kind::Ejabberd | Kind::Nchan => None,
        }
    }

    /// Starts the instances on servers of their own.
    pub(super) fn start(&self, ground: Ground) -> Result<Cluster, StartError> {
        let mut cluster = Cluster::new()?;
        match &self.kind {
            Kind::Ejabberd => {
                let postgres = Postgres::start()?;
                let (nodes, epmd) = ejabberd::start(&postgres, cluster.folder())?;
                cluster.instances = nodes;
                cluster.helper = Some(epmd);
                cluster.postgres = Some(postgres);
            }
            Kind::Nchan => {
                let redis = Redis::start()?;
                for number in 0..2 {
                    let workers = cluster.cores_for_each_of(2);
                    let nginx = nchan::start(&redis, cluster.folder(), number, workers)?;
                    cluster.instances.push(nginx);
                }
                cluster.redis = Some(redis);
            }
            Kind::Bare(program) => {
                cluster.add(&self.name, |address, _| bare(program, address))?;
            }
            Kind::Duet(program) => {
                let count = cluster.start_ground(ground)?;
                let workers = cluster.cores_for_each_of(count);
                for _ in 0..count {
                    let command = |at, cluster: &Cluster| duet(program, workers, at, cluster);
                    cluster.add(&self.name, command)?;
                }
            }
            Kind::Rival(words) => {
                for _ in 0..cluster.start_ground(ground)? {
                    cluster.add(&self.name, |at, cluster| rival(words, at, cluster))?;
                }
            }
        }
        Ok(cluster)
    }
}

fn duet(program: &Path, workers: usize, address: SocketAddr, cluster: &Cluster) -> Command {
    let sqlite = || format!("sqlite://{}", cluster.folder().join("duet.db").display());
    let store = cluster.postgres.as_ref().map_or_else(sqlite, Postgres::url);
    let bus = cluster.redis.as_ref().map(Redis::url);
    let mut command = Command::new(program);
    command
        .env("DUET_SERVER__BIND", address.to_string())
        .env("DUET_SERVER__WORKERS", workers.to_string())
        .env("DUET_STORE__URL", store)
        .env("DUET_BUS__URL", bus.unwrap_or_else(|| "local".to_owned()))
        .env("DUET_LIMITS__SENDS_PER_SEAT_PER_SECOND", OUT_OF_THE_WAY)
        .env("DUET_LIMITS__SENDS_PER_SEAT_BURST", OUT_OF_THE_WAY)
        .env("DUET_LIMITS__MESSAGES_PER_CHAT", OUT_OF_THE_WAY)
        .env("DUET_LIMITS__BYTES_PER_CHAT", BYTES_OUT_OF_THE_WAY);
    command
}

fn rival(words: &[String], address: SocketAddr, cluster: &Cluster) -> Command {
    let postgres = cluster.postgres.as_ref().map(Postgres::url);
    let redis = cluster.redis.as_ref().map(Redis::url);
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env("PORT", address.port().to_string())
        .env("DATABASE_URL", postgres.unwrap_or_default())
        .env("REDIS_URL", redis.unwrap_or_default());
    command
}

fn bare(program: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command.arg(address.to_string());
    command
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
