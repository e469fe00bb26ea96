//! A private Redis, which keeps nothing on disk.

use std::{
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{StartError, free_port};

const START_DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// A private Redis server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    server: Option<Child>,
}

impl Redis {
    /// Starts a fresh server.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub fn start() -> Result<Self, StartError> {
        let mut redis = Self {
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

    /// Kills it; whatever it held is gone.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// [`StartError`] when it does not come up in time.
    pub fn resume(&mut self) -> Result<(), StartError> {
        let server = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir", "/tmp"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let missing = "redis-server cannot be run (`make tools` installs Debian's `redis-server`)";
        self.server = Some(server.map_err(StartError::from_io(missing))?);
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(StartError("Redis did not start in time".into()))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
