//! The real program, in a folder of its own.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use harness::servers::free_port;

use super::{Api, Setup, eventually};

/// A running server; it ends with the test.
pub struct Server {
    child: Child,
    /// Where the pages are, and the rest unless it is elsewhere.
    pub address: SocketAddr,
    /// Where the API is, if not there.
    pub api_address: Option<SocketAddr>,
    /// Where health and metrics are, if not there.
    pub ops_address: Option<SocketAddr>,
    said: Arc<Mutex<Vec<String>>>,
    /// What its log held before it was started: that of earlier starts.
    earlier_log_len: usize,
    setup: Setup,
}

impl Server {
    /// One with the default settings.
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    /// Starts it and waits until it says that it runs.
    pub(super) async fn run(mut setup: Setup) -> Self {
        let folder = setup.folder();
        let log = folder.join("log");
        let earlier_log_len = fs::metadata(&log).map_or(0, |log| log.len() as usize);
        let stderr = OpenOptions::new().create(true).append(true).open(&log);
        let mut command = setup.command();
        if setup.is_at_any_port() {
            // It keeps its port while it is down.
            let port = free_port().unwrap();
            command.env("DUET_SERVER__BIND", format!("127.0.0.1:{port}"));
        }
        command.stdout(Stdio::piped()).stderr(stderr.unwrap());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let hear = said.clone();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                hear.lock().unwrap().push(line);
            }
        });
        let mut server = Server {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_address: None,
            ops_address: None,
            said,
            earlier_log_len,
            setup,
        };
        server.await_start().await;
        server
    }

    async fn await_start(&mut self) {
        eventually("the server runs", async || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server did not start ({status}): {}", self.log());
            }
            let said = self.said();
            let runs = said.iter().any(|line| line.starts_with("Press Ctrl-C"));
            (runs || self.logged_start().is_some()).then_some(())
        })
        .await;
        if let Some(start) = self.logged_start() {
            let address = |name: &str| start[name].as_str().unwrap().parse().unwrap();
            self.address = address("bind");
            self.api_address = Some(address("api_bind"));
            self.ops_address = Some(address("ops_bind"));
            return;
        }
        let said = self.said();
        let address = |beginning: &str| -> Option<SocketAddr> {
            let rest = said.iter().find_map(|line| line.strip_prefix(beginning))?;
            rest.split('/').next()?.parse().ok()
        };
        self.api_address = address("The API is at http://");
        self.ops_address = address("Health and metrics are at http://");
        let printed = ["http", "https"]
            .into_iter()
            .find_map(|scheme| address(&format!("duet is running at {scheme}://")));
        self.address = printed.unwrap_or_else(|| {
            // With a public address, that one is printed.
            let elsewhere = [self.api_address, self.ops_address];
            let sockets = listening(self.child.id());
            let own = sockets
                .into_iter()
                .find(|socket| !elsewhere.contains(&Some(*socket)));
            own.unwrap()
        });
    }

    /// The line with which a log for machines tells that it runs.
    fn logged_start(&self) -> Option<serde_json::Value> {
        let log = self.log().split_off(self.earlier_log_len);
        let lines = log.lines().filter(|line| line.starts_with('{'));
        let lines = lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut starts = lines.filter(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            ["duet is starting", "duet is running"].contains(&message)
        });
        starts
            .next_back()
            .filter(|line| line["message"] == "duet is running")
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines it printed.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// What it logged so far, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Where its data is.
    pub fn folder(&self) -> PathBuf {
        self.setup.clone().folder()
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.folder().join("data/duet.db")
    }

    /// Starts it again after its database was changed by a statement of SQL.
    pub async fn restart_after(mut self, change: &str) -> Self {
        assert!(self.terminate().await.success());
        let database = rusqlite::Connection::open(self.database()).unwrap();
        assert!(database.execute(change, []).unwrap() > 0, "{change}");
        drop(database);
        self.restart().await
    }

    /// A client of the API, without a token.
    pub fn api(&self) -> Api {
        Api::at(self.api_address.unwrap_or(self.address))
    }

    /// A client of the pages' address.
    pub fn front(&self) -> Api {
        Api::at(self.address)
    }

    /// A client of health and metrics.
    pub fn ops(&self) -> Api {
        Api::at(self.ops_address.unwrap_or(self.address))
    }

    /// The value of a metric; all series of the name added up.
    pub async fn metric(&self, name: &str) -> f64 {
        metric(&self.ops(), name).await
    }

    /// Waits until this many streams are open.
    pub async fn streams_become(&self, count: f64) {
        let what = format!("there are {count} streams");
        eventually(&what, async || {
            (self.metric("duet_streams").await == count).then_some(())
        })
        .await;
    }

    /// Everything it has in memory and may write to.
    pub fn memory(&self) -> Vec<u8> {
        let folder = format!("/proc/{}", self.child.id());
        let maps = fs::read_to_string(format!("{folder}/maps")).unwrap();
        let memory = File::open(format!("{folder}/mem")).unwrap();
        let mut all = Vec::new();
        for line in maps.lines().filter(|line| line.contains(" rw")) {
            let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let place = |hex| u64::from_str_radix(hex, 16).unwrap();
            let mut part = vec![0; (place(to) - place(from)) as usize];
            // What was given back meanwhile cannot be read.
            if memory.read_exact_at(&mut part, place(from)).is_ok() {
                all.append(&mut part);
            }
        }
        all
    }

    /// Resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Loses the process as a power cut would.
    pub fn kill_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as a service manager would.
    pub fn ask_to_stop(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        self.signals(&[name]);
    }

    /// Sends it several signals without a pause in between.
    pub fn signals(&self, names: &[&str]) {
        let kills = names
            .iter()
            .map(|name| format!("kill -{name} {}", self.child.id()));
        let kill = kills.collect::<Vec<_>>().join("; ");
        let sent = Command::new("/bin/sh")
            .args(["-c", &kill])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> Option<()> {
        self.child.try_wait().unwrap().map(drop)
    }

    /// Waits until it has ended by itself.
    pub async fn wait(&mut self) -> ExitStatus {
        eventually("the server has ended", async || {
            self.child.try_wait().unwrap()
        })
        .await
    }

    /// Asks it to stop and waits until it has.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.wait().await
    }

    /// How to start another one with the same settings in the same folder.
    pub fn setup(&self) -> Setup {
        self.setup.clone()
    }

    /// Starts it again with its data and at its port, after it has ended.
    pub async fn restart(self) -> Self {
        let setup = self.setup.clone().set("server.bind", self.address);
        drop(self);
        setup.start().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let last = log.lines().rev().take(30).collect::<Vec<_>>();
            eprintln!("--- the end of the server's log ---");
            last.into_iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// The value of a metric of the server behind a client; all series of the name added up.
pub async fn metric(ops: &Api, name: &str) -> f64 {
    let answer = ops.get("/metrics").await;
    let text = String::from_utf8(answer.body).unwrap();
    let values: Vec<f64> = text
        .lines()
        .filter(|line| line.split([' ', '{']).next() == Some(name))
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect();
    assert!(!values.is_empty(), "there is no metric {name}:\n{text}");
    values.iter().sum()
}

/// The IPv4 sockets a process listens on.
pub fn listening(pid: u32) -> Vec<SocketAddr> {
    let folder = format!("/proc/{pid}/fd");
    let link = |entry: fs::DirEntry| fs::read_link(entry.path()).ok();
    let sockets: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| link(entry.ok()?))
        .filter_map(|link| {
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let table = File::open("/proc/net/tcp").unwrap();
    BufReader::new(table)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| {
            const LISTEN: &str = "0A";
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, .., inode] = columns.get(..10)? else {
                return None;
            };
            let (address, port) = local.split_once(':')?;
            let address = u32::from_str_radix(address, 16).ok()?.to_le_bytes();
            let port = u16::from_str_radix(port, 16).ok()?;
            let ours = *state == LISTEN && sockets.iter().any(|socket| socket == inode);
            ours.then(|| SocketAddr::from((address, port)))
        })
        .collect()
}

/// Whether a file is there and holds something.
pub fn exists(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}
