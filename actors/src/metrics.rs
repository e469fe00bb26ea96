//! The metrics of the actors.

use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, core::Collector, exponential_buckets,
};

/// Declares a struct of metrics and how they are registered. The doc comment of a field is its help text; its name, its
/// labels and a histogram's buckets follow its kind.
#[macro_export]
macro_rules! metrics {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $of:ident {
            $(
                $(#[doc = $help:literal])+
                $seen:vis $field:ident: $kind:ty = $name:literal $(by $label:literal)* $(in $buckets:expr)?,
            )+
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $of {
            $($(#[doc = $help])+ $seen $field: $kind,)+
        }

        impl $of {
            /// Registers everything.
            ///
            /// # Panics
            /// When one of the names is registered already: a bug in the caller.
            $visibility fn register(registry: &::prometheus::Registry) -> Self {
                Self {
                    $($field: {
                        let help = concat!($($help),+).trim();
                        let opts = ::prometheus::Opts::new($name, help);
                        let buckets: Vec<Vec<f64>> = vec![$($buckets)?];
                        let made = $crate::metrics::Metric::new(opts, &[$($label),*], buckets.concat());
                        $crate::metrics::register(registry, made)
                    },)+
                }
            }
        }
    };
}

metrics! {
    /// The metrics of one instance's actors.
    #[derive(Clone, Debug)]
    pub struct Metrics {
        /// Pair actors in memory.
        pub(crate) pairs: IntGauge = "duet_pairs",
        /// Pair actors started.
        pub(crate) pair_starts: IntCounter = "duet_pair_starts_total",
        /// Pair actors replaced after a panic.
        pub(crate) pair_crashes: IntCounter = "duet_pair_restarts_total",
        /// Open streams.
        pub(crate) streams: IntGauge = "duet_streams",
        /// Streams that ended while their client was behind with its events.
        pub(crate) streams_cut: IntCounter = "duet_streams_cut_total",
        /// Streams ended because the instance is draining.
        pub(crate) streams_moved: IntCounter = "duet_streams_moved_total",
        /// Messages stored for the first time.
        pub(crate) accepted: IntCounter = "duet_messages_accepted_total",
        /// Messages sent live to a stream.
        pub(crate) delivered: IntCounter = "duet_messages_delivered_total",
        /// Messages read from the store because their notice was lost.
        pub(crate) healed: IntCounter = "duet_messages_healed_total",
        /// Messages in one commit.
        pub(crate) batch_len: Histogram = "duet_journal_batch_messages" in doubling(1.0, 11),
        /// Time of one commit, in seconds.
        pub(crate) commit_seconds: Histogram = "duet_journal_commit_seconds" in doubling(0.000_25, 14),
        /// Messages that wait for the next commit.
        pub(crate) journal_queue_len: IntGauge = "duet_journal_queue_messages",
        /// Marks and last-seen times that wait to be stored.
        pub(crate) deferred_writes_len: IntGauge = "duet_deferred_writes",
        /// Chats that have neither ended nor expired.
        pub(crate) chats_live: IntGauge = "duet_chats_live",
        /// Chats ended by the sweep.
        pub(crate) chats_expired: IntCounter = "duet_chats_expired_total",
        /// Whether there are live instances that the bus does not reach (1) or not (0).
        pub(crate) bus_split: IntGauge = "duet_bus_split",
        /// Queries for news of open chats while the bus was away.
        pub(crate) store_asked: IntCounter = "duet_news_queries_total",
    }
}

/// A kind of metric.
pub trait Metric: Collector + Clone + Sized + 'static {
    /// One with these labels, and these buckets if it is a histogram.
    ///
    /// # Errors
    /// When it is not well formed.
    fn new(opts: Opts, labels: &[&str], buckets: Vec<f64>) -> prometheus::Result<Self>;
}

macro_rules! kinds {
    ($($kind:ty: |$opts:ident, $labels:ident, $buckets:ident| $new:expr;)+) => {$(
        impl Metric for $kind {
            fn new($opts: Opts, $labels: &[&str], $buckets: Vec<f64>) -> prometheus::Result<Self> {
                $new
            }
        }
    )+};
}

kinds! {
    IntCounter: |opts, _labels, _buckets| Self::with_opts(opts);
    IntGauge: |opts, _labels, _buckets| Self::with_opts(opts);
    Histogram: |opts, _labels, buckets| Self::with_opts(HistogramOpts::from(opts).buckets(buckets));
    IntCounterVec: |opts, labels, _buckets| Self::new(opts, labels);
    IntGaugeVec: |opts, labels, _buckets| Self::new(opts, labels);
    GaugeVec: |opts, labels, _buckets| Self::new(opts, labels);
    HistogramVec: |opts, labels, buckets| Self::new(HistogramOpts::from(opts).buckets(buckets), labels);
}

/// The bounds of a histogram's buckets, each twice the one before.
///
/// # Panics
/// When one of them is not positive.
pub fn doubling(start: f64, count: usize) -> Vec<f64> {
    exponential_buckets(start, 2.0, count).expect("start and count are positive")
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
