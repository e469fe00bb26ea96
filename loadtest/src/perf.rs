//! Instructions that processes execute, counted by Linux's `perf stat` on machines that have a counter for them: unlike processor
//! time they are nearly the same on fast and slow machines.

use std::{
    io::{self, Read},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

/// `perf` needs a moment until it counts.
const BEGINS_WITHIN: Duration = Duration::from_millis(300);

/// A count under way.
#[derive(Debug)]
pub struct Counting(Child);

impl Counting {
    /// Begins to count what these processes execute, and those that they start from now on.
    ///
    /// # Errors
    /// When `perf` is not there.
    pub async fn begin(pids: &[u32]) -> io::Result<Self> {
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        let counting = perf(&["-p", &pids.join(",")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map(Self)?;
        sleep(BEGINS_WITHIN).await;
        Ok(counting)
    }

    /// Ends the count; `None` where the machine has no such counter.
    pub fn end(mut self) -> Option<u64> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)?;
        // One that has ended by itself had nothing to count.
        let _ = kill_process(pid, Signal::INT);
        let mut said = String::new();
        self.0.stderr.take()?.read_to_string(&mut said).ok()?;
        self.0.wait().ok()?;
        counted(&said)
    }
}

/// Or it would count for as long as the processes live.
impl Drop for Counting {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether this machine can count instructions.
pub fn is_there() -> bool {
    let tried = perf(&["true"]).stdin(Stdio::null()).output();
    tried.is_ok_and(|tried| counted(&String::from_utf8_lossy(&tried.stderr)).is_some())
}

fn perf(rest: &[&str]) -> Command {
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x", ",", "-e", "instructions"])
        .args(rest);
    perf
}

/// The number at the beginning of the line about instructions.
fn counted(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_the_first_field_of_its_line() {
        let said = "\n1234567890,,instructions,4001234567,100.00,,\n";
        assert_eq!(counted(said), Some(1_234_567_890));
        let on_two_kinds_of_cores = "17,,cpu_core/instructions/,1,100.00,,\n";
        assert_eq!(counted(on_two_kinds_of_cores), Some(17));
        assert_eq!(counted("<not supported>,,instructions,0,100.00,,"), None);
        assert_eq!(counted("perf: no such program"), None);
    }
}
