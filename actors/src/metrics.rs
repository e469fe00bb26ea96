//! The metrics of the actors.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry, core::Collector};

/// The metrics of one instance's actors.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) pairs: IntGauge,
    pub(crate) pair_starts: IntCounter,
    pub(crate) pair_crashes: IntCounter,
    pub(crate) streams: IntGauge,
    pub(crate) streams_cut: IntCounter,
    pub(crate) streams_moved: IntCounter,
    pub(crate) accepted: IntCounter,
    pub(crate) delivered: IntCounter,
    pub(crate) healed: IntCounter,
    pub(crate) batch_len: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) journal_queue_len: IntGauge,
    pub(crate) deferred_writes_len: IntGauge,
    pub(crate) chats_live: IntGauge,
    pub(crate) chats_expired: IntCounter,
    pub(crate) bus_split: IntGauge,
    pub(crate) store_asked: IntCounter,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When one of the names is registered already: a bug in the caller.
    pub fn register(registry: &Registry) -> Self {
        let gauge = |name, help| register(registry, IntGauge::new(name, help));
        let counter = |name, help| register(registry, IntCounter::new(name, help));
        let histogram = |name: &str, help: &str, buckets: Vec<f64>| {
            let opts = HistogramOpts::from(Opts::new(name, help)).buckets(buckets);
            register(registry, Histogram::with_opts(opts))
        };
        let doubling = |start, count| {
            prometheus::exponential_buckets(start, 2.0, count)
                .expect("start and count are positive")
        };
        Self {
            pairs: gauge("duet_pairs", "Pair actors in memory."),
            pair_starts: counter("duet_pair_starts_total", "Pair actors started."),
            pair_crashes: counter(
                "duet_pair_restarts_total",
                "Pair actors replaced after a panic.",
            ),
            streams: gauge("duet_streams", "Open streams."),
            streams_cut: counter(
                "duet_streams_cut_total",
                "Streams ended because their client did not take its events.",
            ),
            streams_moved: counter(
                "duet_streams_moved_total",
                "Streams ended because the instance is draining.",
            ),
            accepted: counter(
                "duet_messages_accepted_total",
                "Messages stored for the first time.",
            ),
            delivered: counter(
                "duet_messages_delivered_total",
                "Messages sent live to a stream.",
            ),
            healed: counter(
                "duet_messages_healed_total",
                "Messages read from the store because their notice was lost.",
            ),
            batch_len: histogram(
                "duet_journal_batch_messages",
                "Messages in one commit.",
                doubling(1.0, 11),
            ),
            commit_seconds: histogram(
                "duet_journal_commit_seconds",
                "Time of one commit, in seconds.",
                doubling(0.000_25, 14),
            ),
            journal_queue_len: gauge(
                "duet_journal_queue_messages",
                "Messages that wait for the next commit.",
            ),
            deferred_writes_len: gauge(
                "duet_deferred_writes",
                "Marks and last-seen times that wait to be stored.",
            ),
            chats_live: gauge(
                "duet_chats_live",
                "Chats that have neither ended nor expired.",
            ),
            bus_split: gauge(
                "duet_bus_split",
                "Whether there are live instances that the bus does not reach (1) or not (0).",
            ),
            store_asked: counter(
                "duet_news_queries_total",
                "Queries for news of open chats while the bus was away.",
            ),
            chats_expired: counter("duet_chats_expired_total", "Chats ended by the sweep."),
        }
    }
}

/// Adds one to a gauge until it is dropped.
pub struct GaugeGuard(IntGauge);

impl GaugeGuard {
    /// Increments the gauge.
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Registers a metric.
///
/// # Panics
/// When the metric is not well formed, or its name is registered already: a bug in the caller.
pub fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> C {
    let collector = made.expect("the metric's name and buckets are well formed");
    registry
        .register(Box::new(collector.clone()))
        .expect("the metric's name is registered once");
    collector
}
