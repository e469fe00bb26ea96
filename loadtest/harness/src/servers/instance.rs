//! A private instance of duet, the real program: its settings stay the same over all its starts,
//! and so do its port and its log.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use tempfile::TempDir;

use super::{HeldPort, Process, StartError, folder};

/// How long an instance may think about whether it is ready.
const READY_WITHIN: Duration = Duration::from_secs(5);
/// Where Debian's `libfaketime` puts it, for programs with several threads.
const FAKE_CLOCK: &str = "faketime/libfaketimeMT.so.1";

/// One instance of duet.
#[derive(Debug)]
pub struct Instance {
    program: PathBuf,
    environment: Vec<(String, String)>,
    folder: TempDir,
    port: HeldPort,
    process: Option<Process>,
}

/// The program: the one that is named, else the one that was built beside this tool.
///
/// # Errors
/// [`StartError`] when there is none.
pub fn program(named: Option<PathBuf>) -> Result<PathBuf, StartError> {
    let beside = || std::env::current_exe().map(|own| own.with_file_name("duet"));
    let program = named.map_or_else(beside, Ok);
    let program = program.map_err(StartError::from_io("the program cannot be found"))?;
    // It is started in a folder of its own.
    program.canonicalize().map_err(|_| {
        StartError(format!(
            "there is no {}: build duet, or name it with --duet",
            program.display()
        ))
    })
}

/// A setting by its name in the settings file, as the environment spells it.
pub fn setting(name: &str, value: impl ToString) -> (String, String) {
    let name = name.replace('.', "__").to_uppercase();
    (format!("DUET_{name}"), value.to_string())
}

/// What makes an instance believe that it is later than it is. Its monotonic clock stays true.
///
/// # Errors
/// [`StartError`] when the library that does it is not installed.
pub fn clock_ahead(by: Duration) -> Result<Vec<(String, String)>, StartError> {
    fake_clock([("FAKETIME", format!("+{}s", by.as_secs()))])
}

/// The same by what a file says at each moment, such as `-7d`.
///
/// # Errors
/// [`StartError`] when the library that does it is not installed.
pub fn clock_of(file: &Path) -> Result<Vec<(String, String)>, StartError> {
    fake_clock([
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".into()),
    ])
}

fn fake_clock<const N: usize>(
    time: [(&str, String); N],
) -> Result<Vec<(String, String)>, StartError> {
    let architecture = std::env::consts::ARCH;
    let library = PathBuf::from(format!("/usr/lib/{architecture}-linux-gnu")).join(FAKE_CLOCK);
    if !library.exists() {
        return Err(StartError(
            "clocks cannot be set apart: `make tools` installs Debian's `libfaketime`".into(),
        ));
    }
    let library = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    let all = library.into_iter().chain(time);
    Ok(all.map(|(name, value)| (name.to_owned(), value)).collect())
}

impl Instance {
    /// Starts the program with this environment and nothing else, at a free port, and waits until
    /// it is ready.
    ///
    /// # Errors
    /// [`StartError`] tells the end of its log.
    pub fn start(
        program: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StartError> {
        let mut instance = Self {
            program: program.into(),
            environment: environment.into_iter().collect(),
            folder: folder("instance")?,
            port: HeldPort::any()?,
            process: None,
        };
        let bind = setting("server.bind", format!("127.0.0.1:{}", instance.port()));
        instance.environment.push(bind);
        instance.resume()?;
        Ok(instance)
    }

    /// Starts it again at the same port, with the same settings, and waits until it is ready.
    ///
    /// # Errors
    /// [`StartError`] tells the end of its log.
    pub fn resume(&mut self) -> Result<(), StartError> {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(self.folder.path());
        let (log, port) = (self.log_path(), self.port());
        let process = Process::start("duet", &mut command, &log, |_| is_ready(port))?;
        self.process = Some(process);
        Ok(())
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its process, unless it was killed or has stopped.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// What it has logged over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Kills it as a power failure would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// [`StartError`] when it is not running, or goes on and on.
    pub fn stop(&mut self) -> Result<ExitStatus, StartError> {
        let Some(process) = &mut self.process else {
            return Err(StartError("duet is not running".into()));
        };
        let status = process.stop()?;
        self.process = None;
        Ok(status)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// Ready means that store and bus answer as well.
fn is_ready(port: u16) -> bool {
    let ask = || {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(READY_WITHIN))?;
        socket.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let mut status = [0; b"HTTP/1.1 200".len()];
        socket.read_exact(&mut status)?;
        std::io::Result::Ok(status)
    };
    ask().is_ok_and(|status| &status == b"HTTP/1.1 200")
}
