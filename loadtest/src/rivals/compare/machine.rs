//! The machine that figures were measured on, and what ran on it.

use std::{fs, process::Command};

use super::{ejabberd, figures::Figures};
use crate::perf;

/// A line for each thing that matters, so that runs on different machines can be compared; what the system does not say is
/// left out.
pub(super) fn described(figures: &Figures) -> Vec<String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unnamed processor", |(_, model)| model);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory_kib: Option<u64> = meminfo.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    });
    let mut lines = vec![format!("{processors} × {model}")];
    lines.extend(memory_kib.map(|kib| format!("{} GiB of memory", kib >> 20)));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    lines.push(format!("Linux {}", kernel.trim()));
    let commit_ms = figures.median("floor", "commit_ms");
    lines.extend(commit_ms.map(|ms| {
        format!("PostgreSQL commits a row in {ms:.2} ms (the mean of `pgbench -c 1`), its disk's part included")
    }));
    if !perf::is_there() {
        lines.push("no counter of instructions that `perf stat` could read".to_owned());
    }
    let programs = [
        ("psql", "--version"),
        ("redis-server", "--version"),
        ("go", "version"),
        ("node", "--version"),
        ("nginx", "-v"),
    ];
    lines.extend(
        programs
            .iter()
            .filter_map(|(program, argument)| version(program, argument)),
    );
    lines.extend(ejabberd::version());
    lines
}

fn version(program: &str, argument: &str) -> Option<String> {
    let said = Command::new(program).arg(argument).output().ok()?;
    // nginx says it on the other one.
    let said = String::from_utf8([said.stdout, said.stderr].concat()).ok()?;
    let line = said.lines().next()?;
    Some(if line.starts_with('v') {
        format!("{program} {line}")
    } else {
        line.to_owned()
    })
}
