//! What processes used, as Linux counts it: the tool itself, since a figure measured by a tool that had no processor time
//! left says nothing about the server, and the servers where they run on the same machine.

use std::{fs, io, iter::Sum, ops::Add};

/// Linux has counted in hundredths of a second, whatever its timer does, since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds of this process so far, in user and kernel mode; 0 where the system does not say (it does on Linux).
pub fn cpu_seconds() -> f64 {
    own_usage("self").map_or(0.0, |usage| usage.cpu_seconds)
}

/// What processes used up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor seconds in user and kernel mode since they were started.
    pub cpu_seconds: f64,
    /// Memory that is resident now, in bytes. Pages that processes share are counted for each of them.
    pub resident_bytes: u64,
    /// Files and sockets that are open now.
    pub descriptors: usize,
}

/// Processes of this machine, each with all that it started.
#[derive(Clone, Debug, Default)]
pub struct Processes(Vec<u32>);

/// A process cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error(
    "process {pid} cannot be watched: {source}. Give the ids of running processes of this machine with --pid."
)]
pub struct UsageError {
    pid: u32,
    source: io::Error,
}

impl Processes {
    /// The processes with these ids.
    ///
    /// # Errors
    /// [`UsageError`] names the one that is not there.
    pub fn new(pids: &[u32]) -> Result<Self, UsageError> {
        for &pid in pids {
            own_usage(pid).map_err(|source| UsageError { pid, source })?;
        }
        Ok(Self(pids.to_vec()))
    }

    /// Whether there is nothing to watch.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their ids, and those of all that they have started.
    pub fn ids(&self) -> Vec<u32> {
        let mut ids = self.0.clone();
        let mut next = 0;
        while let Some(&pid) = ids.get(next) {
            ids.extend(children(pid));
            next += 1;
        }
        ids
    }

    /// What they used so far; a process that has ended since counts nothing any more.
    pub fn usage(&self) -> Usage {
        self.0.iter().map(|&pid| tree_usage(pid)).sum()
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds + other.cpu_seconds,
            resident_bytes: self.resident_bytes + other.resident_bytes,
            descriptors: self.descriptors + other.descriptors,
        }
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), Add::add)
    }
}

/// A process and its living descendants; those that have ended are in their parents' figures.
fn tree_usage(pid: u32) -> Usage {
    let children: Usage = children(pid).into_iter().map(tree_usage).sum();
    own_usage(pid).unwrap_or_default() + children
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let lists = tasks
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let read = |list: String| -> Vec<u32> {
        let children = list.split_ascii_whitespace();
        children.filter_map(|child| child.parse().ok()).collect()
    };
    lists.flat_map(read).collect()
}

fn own_usage(pid: impl std::fmt::Display) -> io::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in the second field may hold spaces and brackets; the fields behind its end count from the third.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    // The 14th to 17th field: its own time in user and kernel mode, and that of children that have ended.
    let ticks: f64 = fields
        .split(' ')
        .skip(11)
        .take(4)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident_kib: Option<u64> = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|value| value.trim().trim_end_matches(" kB").parse().ok());
    Ok(Usage {
        cpu_seconds: ticks / TICKS_PER_SECOND,
        resident_bytes: resident_kib.unwrap_or(0) << 10,
        descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn work_is_seen() {
        let before = cpu_seconds();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let mut sum = 0_u64;
        while cpu_seconds() <= before && std::time::Instant::now() < deadline {
            sum = std::hint::black_box((0..100_000).fold(sum, u64::wrapping_add));
        }
        assert!(cpu_seconds() > before);
    }

    #[test]
    fn what_a_process_started_counts_with_it() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 300 & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut child)
            .unwrap();
        let (whole, own) = (
            Processes::new(&[shell.id()]).unwrap().usage(),
            own_usage(shell.id()).unwrap(),
        );
        assert!(whole.resident_bytes > own.resident_bytes);
        let ids = Processes::new(&[shell.id()]).unwrap().ids();
        assert_eq!(ids, [shell.id(), child.trim().parse().unwrap()]);
        Command::new("kill").arg(child.trim()).status().unwrap();
        shell.wait().unwrap();
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let error = Processes::new(&[u32::MAX]).unwrap_err().to_string();
        assert!(error.contains(&u32::MAX.to_string()), "{error}");
    }
}
