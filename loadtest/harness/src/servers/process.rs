//! A private server's process, whichever server it is: started, waited for, stopped, killed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::StartError;

/// How long a server may take to be ready; generous, since tests run many at once.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long one that was asked to stop may take; the drain of an instance of duet is shorter by default.
const STOP_DEADLINE: Duration = Duration::from_secs(60);
/// How often it is looked whether it is.
const POLL: Duration = Duration::from_millis(20);
/// How much of its log an error tells.
const LOG_LINES: usize = 20;

/// A running server with all the processes that it has started. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a server whose output goes to `log`, and waits until it `is_ready`. What was in the
    /// log before stays there.
    ///
    /// # Errors
    /// [`StartError`] tells the end of its log when it ends, or is not ready in time.
    pub fn start(
        name: &str,
        command: &mut Command,
        log: &Path,
        is_ready: impl FnMut(&Self) -> bool,
    ) -> Result<Self, StartError> {
        let no_log = |error| StartError(format!("the log of {name} cannot be written: {error}"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(no_log)?;
        let errors = output.try_clone().map_err(no_log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn();
        let missing = format!("{name} cannot be run (`make tools` installs what is missing)");
        let mut process = Self {
            name: name.into(),
            child: child.map_err(StartError::from_io(&missing))?,
            log: log.into(),
        };
        process.wait_until(is_ready)?;
        Ok(process)
    }

    fn wait_until(&mut self, mut is_ready: impl FnMut(&Self) -> bool) -> Result<(), StartError> {
        let give_up = Instant::now() + START_DEADLINE;
        while Instant::now() < give_up {
            if let Some(status) = self.ended() {
                return Err(self.failed(&format!("ended ({status})")));
            }
            if is_ready(self) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(self.failed("was not ready in time"))
    }

    fn failed(&self, how: &str) -> StartError {
        let log = self.log();
        let mut lines: Vec<&str> = log.lines().rev().take(LOG_LINES).collect();
        lines.reverse();
        StartError(format!("{} {how}: {}", self.name, lines.join("\n")))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to stop, as a service manager would; [`ended`](Self::ended) tells when it has.
    pub fn terminate(&self) {
        signal(self.id(), Signal::TERM);
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// [`StartError`] when it goes on and on.
    pub fn stop(&mut self) -> Result<ExitStatus, StartError> {
        self.terminate();
        let give_up = Instant::now() + STOP_DEADLINE;
        while Instant::now() < give_up {
            if let Some(status) = self.ended() {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        let name = &self.name;
        Err(StartError(format!("{name} was asked to stop and did not")))
    }

    /// Stops it in its tracks: its connections stay open, and nothing answers.
    pub fn pause(&self) {
        signal(self.id(), Signal::STOP);
        self.family()
            .into_iter()
            .for_each(|pid| signal(pid, Signal::STOP));
    }

    /// Lets it go on after a [`pause`](Self::pause).
    pub fn go_on(&self) {
        self.family()
            .into_iter()
            .for_each(|pid| signal(pid, Signal::CONT));
    }

    /// The process and all that it has started; a paused one starts no more.
    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.id()];
        let mut next = 0;
        while let Some(pid) = family.get(next) {
            let path = format!("/proc/{pid}/task/{pid}/children");
            let children = fs::read_to_string(path).unwrap_or_default();
            family.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
            next += 1;
        }
        family
    }
}

/// As a power failure would end it: nobody of the family is asked.
impl Drop for Process {
    fn drop(&mut self) {
        // Children that outlived their parent would go on writing to its files.
        self.pause();
        let family = self.family();
        for pid in &family {
            signal(*pid, Signal::KILL);
        }
        let _ = self.child.wait();
        while family.iter().any(|pid| is_alive(*pid)) {
            thread::sleep(POLL);
        }
    }
}

/// A process that has just ended need not be told any more.
fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process(pid, signal));
}

/// Whether it still runs: the dead that nobody has asked after are listed as zombies.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
