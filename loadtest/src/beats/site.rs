//! A Redis and the instances on it.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use harness::servers::Redis;

use super::BeatsError;

/// How long instances may take to start, or to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// A Redis, one instance in a process of its own, and all others.
pub(super) struct Site {
    pub(super) redis: Redis,
    pub(super) rest: Instances,
    one: Option<Instances>,
    program: PathBuf,
    count: usize,
}

impl Site {
    pub(super) fn start(program: &Path, count: usize) -> Result<Self, BeatsError> {
        let redis = Redis::start()?;
        let mut site = Self {
            rest: Instances::start(program, &redis.url(), count - 1)?,
            one: None,
            redis,
            program: program.to_owned(),
            count,
        };
        site.start_one()?;
        Ok(site)
    }

    pub(super) fn start_one(&mut self) -> Result<(), BeatsError> {
        self.one = Some(Instances::start(&self.program, &self.redis.url(), 1)?);
        Ok(())
    }

    /// How many instances each of the others knows of, at least.
    pub(super) fn least_known(&mut self) -> Result<usize, BeatsError> {
        Ok(self.rest.least_known()?)
    }

    /// Kills the one, and tells how many milliseconds later each of the others had noticed.
    pub(super) fn kill_one(&mut self, within: Duration) -> Result<Vec<u64>, BeatsError> {
        self.rest.compared_so_far();
        // As it is dropped.
        self.one = None;
        let killed_at = unix_ms();
        let give_up_at = Instant::now() + within;
        let mut noticed = vec![None; self.count - 1];
        while noticed.contains(&None) && Instant::now() < give_up_at {
            thread::sleep(super::POLL);
            for (number, at) in self.rest.compared_so_far() {
                if let Some(noticed) = noticed.get_mut(number) {
                    noticed.get_or_insert(at.saturating_sub(killed_at));
                }
            }
        }
        Ok(noticed.into_iter().flatten().collect())
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_millis() as u64
}

/// A process with instances in it. It is killed when dropped.
pub(super) struct Instances {
    child: Child,
    questions: ChildStdin,
    said: Receiver<String>,
    /// Which instance had its chats compared, and when.
    compared: Vec<(usize, u64)>,
}

impl Instances {
    fn start(program: &Path, url: &str, count: usize) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args([url, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().expect("it is a pipe");
        let (say, said) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            lines
                .map_while(Result::ok)
                .all(|line| say.send(line).is_ok())
        });
        let mut instances = Self {
            questions: child.stdin.take().expect("it is a pipe"),
            child,
            said,
            compared: Vec::new(),
        };
        instances.answer()?;
        Ok(instances)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn least_known(&mut self) -> io::Result<usize> {
        writeln!(self.questions)?;
        self.answer()?.parse().map_err(io::Error::other)
    }

    /// What it says that is no comparison.
    fn answer(&mut self) -> io::Result<String> {
        let give_up_at = Instant::now() + ANSWER_WITHIN;
        loop {
            let left = give_up_at.saturating_duration_since(Instant::now());
            let line = self.said.recv_timeout(left).map_err(|error| match error {
                RecvTimeoutError::Timeout => io::ErrorKind::TimedOut,
                RecvTimeoutError::Disconnected => io::ErrorKind::UnexpectedEof,
            })?;
            match compared(&line) {
                Some(compared) => self.compared.push(compared),
                None => return Ok(line),
            }
        }
    }

    fn compared_so_far(&mut self) -> Vec<(usize, u64)> {
        let since = self.said.try_iter();
        self.compared
            .extend(since.filter_map(|line| compared(&line)));
        std::mem::take(&mut self.compared)
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `compare NUMBER UNIX_MS`
fn compared(line: &str) -> Option<(usize, u64)> {
    let (number, at) = line.strip_prefix("compare ")?.split_once(' ')?;
    Some((number.parse().ok()?, at.parse().ok()?))
}
