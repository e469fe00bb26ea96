//! Counts and times the calls of the store by kind. Every adapter makes its calls through a [`Meter`].

use std::time::Duration;

use actors::{
    metrics::{GaugeGuard, register},
    ports::StoreError,
};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, exponential_buckets,
};

use super::Result;

/// How long the write of a health check may take.
const PING_DEADLINE: Duration = Duration::from_secs(2);

/// Counts the calls of one store. Clones share their counters.
#[derive(Clone)]
pub struct Meter {
    in_flight: IntGauge,
    seconds: HistogramVec,
    failures: IntCounterVec,
}

impl Meter {
    /// A meter that registers its metrics on `registry`.
    ///
    /// # Panics
    /// When they are registered already, which is a bug of the caller.
    pub fn register(registry: &Registry) -> Self {
        let in_flight = IntGauge::new(
            "duet_store_calls_in_flight",
            "Calls of the store that have not been answered yet.",
        );
        let buckets = exponential_buckets(0.000_25, 2.0, 15).expect("they are positive");
        let seconds = HistogramOpts::new(
            "duet_store_call_seconds",
            "Time of a call of the store, in seconds, by kind.",
        );
        let failures = Opts::new(
            "duet_store_failures_total",
            "Calls of the store that failed, by kind.",
        );
        let failures = register(registry, IntCounterVec::new(failures, &["call"]));
        for call in ["expire", "purge"] {
            // An alert on an increase misses the first error unless the counter starts at 0.
            failures.with_label_values(&[call]);
        }
        Self {
            in_flight: register(registry, in_flight),
            seconds: register(
                registry,
                HistogramVec::new(seconds.buckets(buckets), &["call"]),
            ),
            failures,
        }
    }

    /// Makes a call of this kind.
    pub(super) async fn measure<T>(
        &self,
        kind: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        // A guard, because the future is dropped when its caller goes away first.
        let _in_flight = GaugeGuard::new(&self.in_flight);
        let timer = self.seconds.with_label_values(&[kind]).start_timer();
        let done = call.await;
        timer.observe_duration();
        if done.is_err() {
            self.failures.with_label_values(&[kind]).inc();
        }
        done
    }

    /// Makes the write of a health check; fails when it is not confirmed in time.
    pub(super) async fn ping(&self, write: impl Future<Output = Result<()>>) -> Result<()> {
        let in_time = async {
            let done = tokio::time::timeout(PING_DEADLINE, write).await;
            let late = || StoreError::Unavailable("no write was confirmed in time".into());
            done.unwrap_or_else(|_| Err(late()))
        };
        self.measure("ping", in_time).await
    }
}
