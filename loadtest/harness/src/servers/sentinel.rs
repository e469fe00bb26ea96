//! A private Redis master with a replica, watched by three sentinels.

use std::{
    fs,
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{Authority, Process, Redis, StartError, free_port, redis::Tls};

const SENTINELS: usize = 3;
/// The name that the sentinels know the master by.
const MASTER: &str = "duet";
/// How long a master may be silent before its replica takes over, in milliseconds.
const DOWN_AFTER_MS: u32 = 2_000;
const START_DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Two servers and their sentinels.
pub struct SentinelSite {
    /// The master at first, and its replica.
    pub servers: [Redis; 2],
    sentinels: Vec<(u16, Process)>,
    /// Of the sentinels, when clients are to come with TLS.
    tls_ports: Vec<u16>,
    _folder: TempDir,
}

impl SentinelSite {
    /// Starts all, and waits until every sentinel knows the replica and the other sentinels.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(None)
    }

    /// The same, with TLS among all of them and for their clients.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start_with_tls(authority: &Authority) -> Result<Self, StartError> {
        Self::start_with(Some(authority))
    }

    fn start_with(authority: Option<&Authority>) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().map_err(StartError::from_io("a folder"))?;
        let tls = || authority.map(Tls::by).transpose();
        let server = |tls: &Option<Tls>, more: &[&str]| {
            let options = tls.iter().flat_map(|tls| &tls.options);
            let options = options.map(String::as_str).chain(more.iter().copied());
            Redis::start_with(&options.collect::<Vec<_>>())
        };
        let of_master = tls()?;
        let master = server(&of_master, &[])?;
        // What the sentinels tell of it is where their clients will come.
        let port = of_master.map_or(master.port(), |tls| tls.port);
        let replica = server(&tls()?, &["--replicaof", &format!("127.0.0.1 {port}")])?;
        let (mut sentinels, mut tls_ports) = (Vec::new(), Vec::new());
        for number in 0..SENTINELS {
            let own = free_port()?;
            let config = folder.path().join(format!("sentinel-{number}.conf"));
            let settings = format!(
                "port {own}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor {MASTER} 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n\
                 sentinel failover-timeout {MASTER} 10000\n",
                folder.path().display()
            );
            fs::write(&config, settings).map_err(StartError::from_io("a configuration"))?;
            let mut command = Command::new("redis-server");
            command.arg(&config).arg("--sentinel");
            if let Some(tls) = tls()? {
                command.args(&tls.options);
                tls_ports.push(tls.port);
            }
            let log = folder.path().join(format!("sentinel-{number}.log"));
            let sentinel = Process::start("a sentinel", &mut command, &log, |_| {
                TcpStream::connect(("127.0.0.1", own)).is_ok()
            })?;
            sentinels.push((own, sentinel));
        }
        let site = Self {
            servers: [master, replica],
            sentinels,
            tls_ports,
            _folder: folder,
        };
        site.wait()?;
        Ok(site)
    }

    fn wait(&self) -> Result<(), StartError> {
        let give_up = Instant::now() + START_DEADLINE;
        while Instant::now() < give_up {
            let ready = |(port, _): &(u16, Process)| {
                let told = Command::new("redis-cli")
                    .args(["-p", &port.to_string(), "SENTINEL", "MASTER", MASTER])
                    .output();
                let told = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
                let told = told.unwrap_or_default();
                let lines: Vec<&str> = told.lines().collect();
                let field = |name| {
                    lines
                        .windows(2)
                        .find(|pair| pair[0] == name)
                        .map(|pair| pair[1])
                };
                (field("num-slaves"), field("num-other-sentinels")) == (Some("1"), Some("2"))
            };
            if self.sentinels.iter().all(ready) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(StartError(
            "the sentinels did not find each other in time".into(),
        ))
    }

    /// All sentinels and the name of the master, as a URL.
    pub fn url(&self) -> String {
        let addresses = |ports: &[u16]| -> String {
            let addresses = ports.iter().map(|port| format!("127.0.0.1:{port}"));
            addresses.collect::<Vec<_>>().join(",")
        };
        let ports: Vec<u16> = self.sentinels.iter().map(|(port, _)| *port).collect();
        match &self.tls_ports[..] {
            [] => format!("redis+sentinel://{}/{MASTER}", addresses(&ports)),
            tls_ports => format!("rediss+sentinel://{}/{MASTER}", addresses(tls_ports)),
        }
    }
}
