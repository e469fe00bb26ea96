//! Counts and times the calls of the store by kind. Every adapter makes its calls through a [`Meter`].

use std::time::Duration;

use actors::{
    metrics::{GaugeGuard, doubling},
    ports::StoreError,
};
use prometheus::{HistogramVec, IntCounterVec, IntGauge};

use super::Result;

/// How long the write of a health check may take.
const PING_DEADLINE: Duration = Duration::from_secs(2);

actors::metrics! {
    /// Counts the calls of one store. Clones share their counters.
    #[derive(Clone)]
    pub struct Meter {
        /// Calls of the store that have not been answered yet.
        in_flight: IntGauge = "duet_store_calls_in_flight",
        /// Time of a call of the store, in seconds, by kind.
        seconds: HistogramVec = "duet_store_call_seconds" by "call" in doubling(0.000_25, 15),
        /// Calls of the store that failed, by kind.
        failures: IntCounterVec = "duet_store_failures_total" by "call",
    }
}

impl Meter {
    /// Makes a call of this kind.
    pub(super) async fn measure<T>(
        &self,
        kind: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        // A guard, because the future is dropped when its caller goes away first.
        let _in_flight = GaugeGuard::new(&self.in_flight);
        let timer = self.seconds.with_label_values(&[kind]).start_timer();
        // There before the first failure: an alert on an increase misses that unless the counter was at 0.
        let failures = self.failures.with_label_values(&[kind]);
        let done = call.await;
        timer.observe_duration();
        if done.is_err() {
            failures.inc();
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
