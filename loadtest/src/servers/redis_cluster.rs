//! A private Redis Cluster: three masters, each with a replica.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{Redis, StartError, free_port};

const NODES: usize = 6;
const REPLICAS: usize = 3;
/// How long a master may be silent before its replica takes over, in milliseconds. A busy machine
/// must not be taken for a dead server.
const NODE_TIMEOUT_MS: &str = "5000";
const START_DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);

/// A private Redis Cluster.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts a fresh one, and waits until it is whole and every master has its replica.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        let (mut nodes, mut addresses) = (Vec::new(), Vec::new());
        for _ in 0..NODES {
            // The usual port for what nodes tell each other may be taken, or beyond all ports.
            let gossip_port = free_port()?.to_string();
            let node = Redis::start_with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &gossip_port,
                "--cluster-node-timeout",
                NODE_TIMEOUT_MS,
                // What the others serve does not stop while one master is away.
                "--cluster-require-full-coverage",
                "no",
            ])?;
            addresses.push(format!("127.0.0.1:{}@{gossip_port}", node.port()));
            nodes.push(node);
        }
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .map_err(StartError::from_io("redis-cli cannot be run"))?;
        if !created.status.success() {
            let output = String::from_utf8_lossy(&created.stdout);
            return Err(StartError(format!("no cluster was made: {output}")));
        }
        let cluster = Self { nodes };
        cluster.wait()?;
        Ok(cluster)
    }

    fn wait(&self) -> Result<(), StartError> {
        let give_up = Instant::now() + START_DEADLINE;
        while Instant::now() < give_up {
            let ready = self.nodes.iter().filter(|node| is_ready(node)).count();
            if ready == NODES {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(StartError("the cluster was not whole in time".into()))
    }

    /// All its nodes, as a URL.
    pub fn url(&self) -> String {
        let nodes = self.nodes.iter();
        let nodes: Vec<String> = nodes
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Its nodes, masters and replicas.
    pub fn nodes(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }

    /// Which node serves a slot, by its place among the [`nodes`](Self::nodes).
    ///
    /// # Errors
    /// [`StartError`] when no node that lives says so.
    pub fn serving(&self, slot: u16) -> Result<usize, StartError> {
        let (port, _) = self.server_of(slot)?;
        let place = self.nodes.iter().position(|node| node.port() == port);
        place.ok_or_else(|| StartError(format!("slot {slot} is served by a stranger")))
    }

    /// Gives a slot without keys to another master, as an operator does who moves load.
    ///
    /// # Errors
    /// [`StartError`] when a node refuses.
    pub fn give_away(&self, slot: u16) -> Result<(), StartError> {
        let (_, from) = self.server_of(slot)?;
        let other = (0..=u16::MAX).map(|step| slot.wrapping_add(step) % 16_384);
        let other = other.map(|slot| self.server_of(slot));
        let (_, to) = other
            .filter_map(Result::ok)
            .find(|(_, id)| *id != from)
            .ok_or_else(|| StartError("there is one master only".into()))?;
        let slot = slot.to_string();
        for node in self.nodes.iter().filter(|node| node.process().is_some()) {
            // Replicas learn of it from their masters.
            let told = node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to])?;
            if !told.starts_with("OK") && !told.contains("only with masters") {
                return Err(StartError(format!("a node refuses: {told}")));
            }
        }
        Ok(())
    }

    /// The port and the id of the node that serves a slot, as the first one says that lives.
    fn server_of(&self, slot: u16) -> Result<(u16, String), StartError> {
        let living = self.nodes.iter().find(|node| node.process().is_some());
        let living = living.ok_or_else(|| StartError("no node lives".into()))?;
        let told = living.command(&["CLUSTER", "NODES"])?;
        let server = told.lines().find_map(|line| {
            // <id> <host>:<port>@… <flags> <master> <ping> <pong> <epoch> <link> <slots>…
            let words: Vec<&str> = line.split(' ').collect();
            let (head, slots) = words.split_at_checked(8)?;
            let serves = |range: &&str| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let range = first.parse().ok().zip(last.parse().ok());
                range.is_some_and(|(first, last): (u16, u16)| (first..=last).contains(&slot))
            };
            slots.iter().find(|range| serves(range))?;
            let port = head[1].rsplit_once('@')?.0.rsplit_once(':')?.1;
            Some((port.parse().ok()?, head[0].to_owned()))
        });
        server.ok_or_else(|| StartError(format!("nobody serves slot {slot}")))
    }
}

/// Whether a node sees a whole cluster, and has its data if it is a replica.
fn is_ready(node: &Redis) -> bool {
    let ask = |command: &[&str]| node.command(command).unwrap_or_default();
    let replication = ask(&["INFO", "replication"]);
    let nodes = ask(&["CLUSTER", "NODES"]);
    let replicas = nodes.lines().filter(|line| line.contains("slave")).count();
    ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
        && replicas == REPLICAS
        && (replication.contains("role:master") || replication.contains("master_link_status:up"))
}
