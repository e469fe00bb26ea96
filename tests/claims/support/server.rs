//! The real program, in a folder of its own.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use tempfile::TempDir;

use super::{Api, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_duet");

/// How a server is to be started.
#[derive(Clone, Default)]
pub struct Setup {
    settings: Vec<(String, String)>,
    arguments: Vec<String>,
    folder: Option<Arc<TempDir>>,
}

impl Setup {
    /// The defaults, at a free port.
    pub fn new() -> Self {
        Self::default().set("server.bind", "127.0.0.1:0")
    }

    /// A setting, by the name it has in the settings file.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        let (section, key) = key.split_once('.').unwrap();
        let name = format!("DUET_{}__{}", section.to_uppercase(), key.to_uppercase());
        self.settings.retain(|(known, _)| *known != name);
        self.env(&name, value)
    }

    /// Any variable of the environment.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.into(), value.to_string()));
        self
    }

    /// An argument of the command line.
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// A settings file with this content, in the server's folder.
    pub fn file(mut self, content: &str) -> Self {
        let path = self.folder().join("duet.toml");
        fs::write(&path, content).unwrap();
        self.arg("--config").arg(path.to_str().unwrap())
    }

    /// No address is exempt from the limits, this machine's own included.
    pub fn no_exemptions(self) -> Self {
        self.file("[limits]\nexempt_addresses = []\n")
    }

    /// Where it is started, and where its data goes.
    pub fn folder(&mut self) -> PathBuf {
        let made = || Arc::new(tempfile::Builder::new().prefix("duet-").tempdir().unwrap());
        self.folder.get_or_insert_with(made).path().into()
    }

    /// The command, with an environment that holds nothing of the outer one's.
    pub fn command(&mut self) -> Command {
        let folder = self.folder();
        let mut command = Command::new(PROGRAM);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.settings.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Output {
        self.command().output().unwrap()
    }

    /// Starts a server and waits until it says that it runs.
    pub async fn start(mut self) -> Server {
        let folder = self.folder();
        let log = folder.join("log");
        let stderr = OpenOptions::new().create(true).append(true).open(&log);
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(stderr.unwrap())
            .spawn()
            .unwrap();
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
            setup: self,
        };
        server.await_start().await;
        server
    }
}

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
    setup: Setup,
}

impl Server {
    /// One with the default settings.
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    async fn await_start(&mut self) {
        eventually("the server runs", async || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server did not start ({status}): {}", self.log());
            }
            self.said()
                .iter()
                .any(|line| line.starts_with("Press Ctrl-C"))
                .then_some(())
        })
        .await;
        let said = self.said();
        let address = |beginning: &str| -> Option<SocketAddr> {
            let rest = said.iter().find_map(|line| line.strip_prefix(beginning))?;
            rest.split('/').next()?.parse().ok()
        };
        self.api_address = address("The API is at http://");
        self.ops_address = address("Health and metrics are at http://");
        self.address = address("duet is running at http://").unwrap_or_else(|| {
            // With a public address, that one is printed.
            let elsewhere = [self.api_address, self.ops_address];
            let sockets = listening(self.child.id());
            let own = sockets
                .into_iter()
                .find(|socket| !elsewhere.contains(&Some(*socket)));
            own.unwrap()
        });
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
        let answer = self.ops().get("/metrics").await;
        let text = String::from_utf8(answer.body).unwrap();
        let values: Vec<f64> = text
            .lines()
            .filter(|line| line.split([' ', '{']).next() == Some(name))
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        assert!(!values.is_empty(), "there is no metric {name}:\n{text}");
        values.iter().sum()
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
        let kill = format!("kill -TERM {}", self.child.id());
        let sent = Command::new("/bin/sh")
            .args(["-c", &kill])
            .status()
            .unwrap();
        assert!(sent.success());
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
