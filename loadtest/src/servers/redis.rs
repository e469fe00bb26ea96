//! A private Redis, which keeps nothing on disk.

use std::{net::TcpStream, process::Command};

use tempfile::TempDir;

use super::{Process, StartError, folder, free_port};

/// A private Redis server.
#[derive(Debug)]
pub struct Redis {
    folder: TempDir,
    port: u16,
    server: Option<Process>,
}

impl Redis {
    /// Starts a fresh server.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        let mut redis = Self {
            folder: folder("redis")?,
            port: free_port()?,
            server: None,
        };
        redis.resume()?;
        Ok(redis)
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its process, unless it was killed.
    pub fn process(&self) -> Option<&Process> {
        self.server.as_ref()
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
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(self.folder.path());
        let log = self.folder.path().join("log");
        let port = self.port;
        self.server = Some(Process::start("Redis", &mut command, &log, |_| {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?);
        Ok(())
    }
}
