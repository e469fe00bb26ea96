//! The resource usage of the process, under the standard names of Prometheus clients. Read from `/proc` on
//! each scrape; absent on systems without it.

use std::fs;

use prometheus::{
    Gauge, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

/// Registers the collector.
///
/// # Panics
/// When one of the names is registered already, which is a bug of the caller.
pub(super) fn register(registry: &Registry) {
    registry
        .register(Box::new(Usage::new()))
        .expect("the names are free");
}

struct Usage {
    cpu: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    virtual_memory: Gauge,
    resident_memory: Gauge,
    start_time: Gauge,
    threads: Gauge,
}

impl Usage {
    fn new() -> Self {
        let gauge = |name, help| Gauge::new(name, help).expect("the name is right");
        Self {
            cpu: gauge(
                "process_cpu_seconds_total",
                "CPU time of the process, in seconds.",
            ),
            open_fds: gauge("process_open_fds", "Open file descriptors of the process."),
            max_fds: gauge("process_max_fds", "The limit of open file descriptors."),
            virtual_memory: gauge(
                "process_virtual_memory_bytes",
                "Virtual memory of the process, in bytes.",
            ),
            resident_memory: gauge(
                "process_resident_memory_bytes",
                "Resident memory of the process, in bytes.",
            ),
            start_time: gauge(
                "process_start_time_seconds",
                "When the process was started, in seconds since 1970.",
            ),
            threads: gauge("process_threads", "Threads of the process."),
        }
    }

    fn gauges(&self) -> [&Gauge; 7] {
        [
            &self.cpu,
            &self.open_fds,
            &self.max_fds,
            &self.virtual_memory,
            &self.resident_memory,
            &self.start_time,
            &self.threads,
        ]
    }

    fn read(&self) -> Option<()> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The process name before it may contain anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<f64> = rest
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        // proc_pid_stat(5) counts fields from 1, and these start at the third.
        let field = |number: usize| fields.get(number - 3).copied();
        let ticks = clock_ticks_per_second() as f64;
        self.cpu.set((field(14)? + field(15)?) / ticks);
        self.threads.set(field(20)?);
        self.start_time.set(booted_at()? + field(22)? / ticks);
        self.virtual_memory.set(field(23)?);
        self.resident_memory.set(field(24)? * page_size() as f64);

        // One less: reading the folder opens it.
        let open = fs::read_dir("/proc/self/fd").ok()?.count();
        self.open_fds.set(open.saturating_sub(1) as f64);
        let most = getrlimit(Resource::Nofile).current;
        self.max_fds
            .set(most.map_or(f64::INFINITY, |most| most as f64));
        Some(())
    }
}

/// The start time, in seconds since 1970.
fn booted_at() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

impl Collector for Usage {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges()
            .into_iter()
            .flat_map(Collector::desc)
            .collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        match self.read() {
            Some(()) => self
                .gauges()
                .into_iter()
                .flat_map(Collector::collect)
                .collect(),
            None => Vec::new(),
        }
    }
}
