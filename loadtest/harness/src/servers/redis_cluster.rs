//! A private Redis Cluster: three masters, each with a replica.

use std::{
    ops::RangeInclusive,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{Authority, Redis, StartError, free_port, redis::Tls};

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
    /// Of those whose clients are to come with TLS.
    tls_ports: Vec<u16>,
}

impl RedisCluster {
    /// Starts a fresh one, and waits until it is whole and every master has its replica.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(None)
    }

    /// The same, with TLS between its nodes and for its clients.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start_with_tls(authority: &Authority) -> Result<Self, StartError> {
        Self::start_with(Some(authority))
    }

    fn start_with(authority: Option<&Authority>) -> Result<Self, StartError> {
        let (mut nodes, mut addresses) = (Vec::new(), Vec::new());
        let mut tls_ports = Vec::new();
        for _ in 0..NODES {
            // The usual port for what nodes tell each other may be taken, or beyond all ports.
            let gossip_port = free_port()?.to_string();
            let mut options = vec![
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &gossip_port,
                "--cluster-node-timeout",
                NODE_TIMEOUT_MS,
                // What the others serve does not stop while one master is away.
                "--cluster-require-full-coverage",
                "no",
            ];
            let tls = authority.map(Tls::by).transpose()?;
            if let Some(tls) = &tls {
                options.extend(["--tls-cluster", "yes"]);
                options.extend(tls.options.iter().map(String::as_str));
                tls_ports.push(tls.port);
            }
            let node = Redis::start_with(&options)?;
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
        let cluster = Self { nodes, tls_ports };
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
        let addresses = |ports: &[u16]| -> String {
            let addresses = ports.iter().map(|port| format!("127.0.0.1:{port}"));
            addresses.collect::<Vec<_>>().join(",")
        };
        let ports: Vec<u16> = self.nodes.iter().map(Redis::port).collect();
        match &self.tls_ports[..] {
            [] => format!("redis+cluster://{}", addresses(&ports)),
            tls_ports => format!("rediss+cluster://{}", addresses(tls_ports)),
        }
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
        let masters = self.masters()?;
        let serving = masters.iter().find(|master| master.serves(slot));
        let serving = serving.ok_or_else(|| StartError(format!("nobody serves slot {slot}")))?;
        Ok(serving.place)
    }

    /// The slots that a node serves.
    ///
    /// # Errors
    /// [`StartError`] when no node that lives says so.
    pub fn served_by(&self, place: usize) -> Result<Vec<RangeInclusive<u16>>, StartError> {
        let of_node = |master: Master| (master.place == place).then_some(master.slots);
        let slots = self.masters()?.into_iter().find_map(of_node);
        Ok(slots.unwrap_or_default())
    }

    /// Gives a slot without keys to another master, as an operator does who moves load.
    ///
    /// # Errors
    /// [`StartError`] when a node refuses.
    pub fn give_away(&self, slot: u16) -> Result<(), StartError> {
        let masters = self.begin_to_give_away(slot)?;
        // First the one that takes it: it makes the change one that everybody believes.
        for master in &masters {
            let words = [&slot.to_string(), "NODE", &masters[0].id];
            self.set_slot(master, &words)?;
        }
        Ok(())
    }

    /// Does the first half of that: the slot is on its way from one node to another.
    ///
    /// # Errors
    /// [`StartError`] when a node refuses.
    pub fn leave_on_its_way(&self, slot: u16) -> Result<(), StartError> {
        self.begin_to_give_away(slot).map(drop)
    }

    /// The masters: first the one that is to take the slot, and then the one that serves it.
    fn begin_to_give_away(&self, slot: u16) -> Result<Vec<Master>, StartError> {
        let mut masters = self.masters()?;
        masters.sort_by_key(|master| (!master.serves(slot), master.place));
        if masters.len() < 2 || !masters[0].serves(slot) {
            return Err(StartError(format!("slot {slot} cannot be given away")));
        }
        masters.swap(0, 1);
        let (to, from, slot) = (&masters[0], &masters[1], slot.to_string());
        self.set_slot(to, &[&slot, "IMPORTING", &from.id])?;
        self.set_slot(from, &[&slot, "MIGRATING", &to.id])?;
        Ok(masters)
    }

    fn set_slot(&self, at: &Master, words: &[&str]) -> Result<(), StartError> {
        let command = [&["CLUSTER", "SETSLOT"], words].concat();
        let told = self.nodes[at.place].command(&command)?;
        match told.trim() {
            "OK" => Ok(()),
            refusal => Err(StartError(format!("a node refuses {command:?}: {refusal}"))),
        }
    }

    /// Those who serve something, as the first node says that lives.
    fn masters(&self) -> Result<Vec<Master>, StartError> {
        let living = self.nodes.iter().find(|node| node.process().is_some());
        let living = living.ok_or_else(|| StartError("no node lives".into()))?;
        let told = living.command(&["CLUSTER", "NODES"])?;
        let masters = told.lines().filter_map(|line| {
            // <id> <host>:<port>@… <flags> <master> <ping> <pong> <epoch> <link> <slots>…
            let words: Vec<&str> = line.split(' ').collect();
            let (head, ranges) = words.split_at_checked(8)?;
            let port: u16 = head[1]
                .rsplit_once('@')?
                .0
                .rsplit_once(':')?
                .1
                .parse()
                .ok()?;
            let slots: Vec<_> = ranges.iter().filter_map(|range| read(range)).collect();
            (!slots.is_empty()).then_some(Master {
                place: self.nodes.iter().position(|node| node.port() == port)?,
                id: head[0].to_owned(),
                slots,
            })
        });
        Ok(masters.collect())
    }
}

/// A node that serves something.
#[derive(Debug)]
struct Master {
    place: usize,
    id: String,
    slots: Vec<RangeInclusive<u16>>,
}

impl Master {
    fn serves(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }
}

/// `5` or `5-9`; a slot on its way between two nodes stands in brackets, and is none.
fn read(range: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    Some(first.parse().ok()?..=last.parse().ok()?)
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
