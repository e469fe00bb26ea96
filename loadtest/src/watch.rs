//! Watching the servers' processes while a run lasts.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::usage::{Processes, Usage};

const SAMPLE_EVERY: Duration = Duration::from_millis(500);
const MIB: f64 = (1 << 20) as f64;

/// What the servers used during a run.
#[derive(Clone, Debug, Serialize)]
pub struct ServerUsage {
    /// Seconds that were watched.
    pub seconds: f64,
    /// Processor seconds they used.
    pub cpu_seconds: f64,
    /// The same by second: 1 is one processor kept busy.
    pub cpu_cores: f64,
    /// Resident memory at the end.
    pub resident_mib: f64,
    /// How it came to that.
    pub samples: Vec<Sample>,
}

impl fmt::Display for ServerUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seconds,
            cpu_seconds,
            cpu_cores,
            resident_mib,
            ..
        } = self;
        write!(
            f,
            "the servers used {cpu_seconds:.2} CPU seconds in {seconds:.1} s ({cpu_cores:.2} processors), and hold {resident_mib:.1} MiB"
        )
    }
}

/// One look at the servers.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Seconds since the watching began.
    pub at_seconds: f64,
    /// Processors kept busy since the last look.
    pub cpu_cores: f64,
    /// Resident memory.
    pub resident_mib: f64,
    /// Files and sockets that are open.
    pub descriptors: usize,
}

/// Looks at the processes until it is ended.
#[derive(Debug)]
pub struct Watch(Option<(oneshot::Sender<()>, JoinHandle<ServerUsage>)>);

impl Watch {
    /// Begins; does nothing where there are no processes to watch.
    pub fn begin(processes: &Processes) -> Self {
        if processes.is_empty() {
            return Self(None);
        }
        let (end, ended) = oneshot::channel();
        Self(Some((end, tokio::spawn(watch(processes.clone(), ended)))))
    }

    /// Ends, and tells what was used meanwhile.
    pub async fn end(self) -> Option<ServerUsage> {
        let (end, watching) = self.0?;
        drop(end);
        Some(watching.await.expect("watching does not panic"))
    }
}

async fn watch(processes: Processes, mut ended: oneshot::Receiver<()>) -> ServerUsage {
    let began = Instant::now();
    let first = processes.usage();
    let (mut last, mut last_at) = (first, Duration::ZERO);
    let mut samples = Vec::new();
    let mut ticks = interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        let over = tokio::select! {
            _ = &mut ended => true,
            _ = ticks.tick() => false,
        };
        let (mut now, at) = (processes.usage(), began.elapsed());
        // What a process had used that has ended since is not taken back.
        now.cpu_seconds = now.cpu_seconds.max(last.cpu_seconds);
        samples.push(sample(last, now, last_at, at));
        (last, last_at) = (now, at);
        if over {
            let seconds = at.as_secs_f64();
            let cpu_seconds = now.cpu_seconds - first.cpu_seconds;
            return ServerUsage {
                seconds,
                cpu_seconds,
                cpu_cores: cpu_seconds / seconds.max(f64::MIN_POSITIVE),
                resident_mib: now.resident_bytes as f64 / MIB,
                samples,
            };
        }
    }
}

fn sample(last: Usage, now: Usage, last_at: Duration, at: Duration) -> Sample {
    let seconds = (at - last_at).as_secs_f64().max(f64::MIN_POSITIVE);
    Sample {
        at_seconds: at.as_secs_f64(),
        cpu_cores: (now.cpu_seconds - last.cpu_seconds) / seconds,
        resident_mib: now.resident_bytes as f64 / MIB,
        descriptors: now.descriptors,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_process_that_ends_meanwhile_used_no_less_than_nothing() {
        let mut busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        let processes = Processes::new(&[busy.id()]).unwrap();
        while processes.usage().cpu_seconds == 0.0 {
            tokio::task::yield_now().await;
        }
        let watch = Watch::begin(&processes);
        tokio::task::yield_now().await;
        busy.kill().unwrap();
        busy.wait().unwrap();
        let used = watch.end().await.unwrap();
        assert!(used.cpu_seconds >= 0.0, "{used}");
        assert!(used.samples.iter().all(|sample| sample.cpu_cores >= 0.0));
    }
}
