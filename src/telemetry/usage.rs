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
    time::{ClockId, Timespec, clock_gettime},
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
    /// In the order of [`GAUGES`].
    gauges: [Gauge; 7],
    /// When the machine was started, in seconds since 1970; measured once, so that the start time stays the same.
    booted_at: f64,
}

#[rustfmt::skip] // A table, a gauge a row.
const GAUGES: [(&str, &str); 7] = [
    ("process_cpu_seconds_total", "CPU time of the process, in seconds."),
    ("process_open_fds", "Open file descriptors of the process."),
    ("process_max_fds", "The limit of open file descriptors."),
    ("process_virtual_memory_bytes", "Virtual memory of the process, in bytes."),
    ("process_resident_memory_bytes", "Resident memory of the process, in bytes."),
    ("process_start_time_seconds", "When the process was started, in seconds since 1970."),
    ("process_threads", "Threads of the process."),
];

impl Usage {
    fn new() -> Self {
        let gauge = |(name, help)| Gauge::new(name, help).expect("the name is right");
        let up = clock_gettime(ClockId::Boottime);
        let now = clock_gettime(ClockId::Realtime);
        let seconds = |time: Timespec| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
        Self {
            gauges: GAUGES.map(gauge),
            // `/proc/stat` says it too, and is hidden from services (`ProcSubset=pid` of systemd).
            booted_at: seconds(now) - seconds(up),
        }
    }

    fn read(&self) -> Option<()> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The process name before it may contain anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields = rest.split_whitespace().map(|field| field.parse().ok());
        let fields: Vec<Option<f64>> = fields.collect();
        // proc_pid_stat(5) counts fields from 1, and these start at the third.
        let field = |number: usize| fields.get(number - 3).copied().flatten();
        let ticks = clock_ticks_per_second() as f64;
        let most = getrlimit(Resource::Nofile).current;
        let values = [
            (field(14)? + field(15)?) / ticks,
            // One less: reading the folder opens it.
            fs::read_dir("/proc/self/fd")
                .ok()?
                .count()
                .saturating_sub(1) as f64,
            most.map_or(f64::INFINITY, |most| most as f64),
            field(23)?,
            field(24)? * page_size() as f64,
            self.booted_at + field(22)? / ticks,
            field(20)?,
        ];
        for (gauge, value) in self.gauges.iter().zip(values) {
            gauge.set(value);
        }
        Some(())
    }
}

impl Collector for Usage {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        match self.read() {
            Some(()) => self.gauges.iter().flat_map(Collector::collect).collect(),
            None => Vec::new(),
        }
    }
}
