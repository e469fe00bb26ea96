//! A private Redis, which keeps nothing on disk unless it is told to.

use std::{fs, net::TcpStream, path::Path, process::Command};

use tempfile::TempDir;

use super::{Authority, HeldPort, Process, StartError, folder, free_port};

/// TLS for a server that is reached at an address of this machine: its port, and the options that it is started with.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) port: u16,
    pub(super) options: Vec<String>,
}

impl Tls {
    /// Who connects shows no certificate.
    pub(super) fn by(authority: &Authority) -> Result<Self, StartError> {
        let identity = authority.issue(&["127.0.0.1"])?;
        let port = free_port()?;
        let path = |path: &Path| path.display().to_string();
        let options = [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", path(&identity.certificate)),
            ("--tls-key-file", path(&identity.key)),
            ("--tls-ca-cert-file", path(&authority.certificate())),
            ("--tls-auth-clients", "no".into()),
            ("--tls-replication", "yes".into()),
        ];
        let options = options.into_iter();
        Ok(Self {
            port,
            options: options
                .flat_map(|(name, value)| [name.into(), value])
                .collect(),
        })
    }
}

/// A private Redis server.
#[derive(Debug)]
pub struct Redis {
    folder: TempDir,
    port: HeldPort,
    options: Vec<String>,
    server: Option<Process>,
}

impl Redis {
    /// Starts a fresh server.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(&[])
    }

    /// Starts one with options of its own, as on the command line of `redis-server`.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start_with(options: &[&str]) -> Result<Self, StartError> {
        let mut redis = Self {
            folder: folder("redis")?,
            port: HeldPort::any()?,
            options: options.iter().map(|option| (*option).into()).collect(),
            server: None,
        };
        redis.resume()?;
        Ok(redis)
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        Self::url_at(self.port())
    }

    /// The same through another port of this machine.
    pub fn url_at(port: u16) -> String {
        format!("redis://127.0.0.1:{port}")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// What it answers to a command, as `redis-cli` prints it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn command(&self, command: &[&str]) -> Result<String, StartError> {
        let answer = Command::new("redis-cli")
            .args(["-p", &self.port().to_string()])
            .args(command)
            .output()
            .map_err(StartError::from_io("redis-cli cannot be run"))?;
        match answer.status.success() {
            true => Ok(String::from_utf8_lossy(&answer.stdout).into_owned()),
            false => Err(StartError(format!("Redis did not answer to {command:?}"))),
        }
    }

    /// Connects to it, past every proxy.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn connect(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        redis::Client::open(self.url())?
            .get_multiplexed_async_connection()
            .await
    }

    /// Its process, unless it was killed.
    pub fn process(&self) -> Option<&Process> {
        self.server.as_ref()
    }

    /// Everything it holds, as it writes it to a disk when it is told to.
    ///
    /// # Errors
    /// [`StartError`] when it does not.
    pub fn dump(&self) -> Result<Vec<u8>, StartError> {
        let saved = Command::new("redis-cli")
            .args(["-p", &self.port().to_string(), "save"])
            .output()
            .map_err(StartError::from_io("redis-cli cannot be run"))?;
        if saved.stdout != *b"OK\n" {
            let told = String::from_utf8_lossy(&saved.stdout);
            return Err(StartError(format!("Redis did not save: {told}")));
        }
        fs::read(self.folder.path().join("dump.rdb")).map_err(StartError::from_io("the dump"))
    }

    /// Kills it; whatever it held is gone.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// [`StartError`] when it does not come up in time.
    pub fn resume(&mut self) -> Result<(), StartError> {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &self.port().to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .args(["--rdbcompression", "no"])
            .args(&self.options)
            .current_dir(self.folder.path());
        let log = self.folder.path().join("log");
        let port = self.port();
        self.server = Some(Process::start("Redis", &mut command, &log, |_| {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?);
        Ok(())
    }
}
