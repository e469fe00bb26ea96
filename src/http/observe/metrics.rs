//! The metrics of HTTP requests.

use std::{
    net::IpAddr,
    sync::{Arc, Once},
    time::Instant,
};

use actors::metrics::register;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use tracing::warn;

use crate::http::{
    limits::AddressLimits, problem::Problem, serve::response_memory::ResponseMemory,
};

/// The metrics of all sockets.
#[derive(Clone)]
pub struct HttpMetrics {
    pub(super) seconds: HistogramVec,
    pub(super) rejected: IntCounterVec,
    addresses: IntGaugeVec,
    answers_bytes: IntGauge,
    untrusted_forwards: IntCounter,
    untrusted_warning: Arc<Once>,
    /// Messages that streams replayed from the store.
    pub replayed: IntCounter,
}

impl HttpMetrics {
    /// Registers everything.
    ///
    /// # Panics When one of the names is registered already: a bug in the caller.
    pub fn register(registry: &Registry) -> Self {
        let seconds = HistogramOpts::new(
            "duet_http_request_seconds",
            "Time until the head of the response, in seconds, by route template.",
        )
        .buckets(prometheus::exponential_buckets(0.000_5, 2.0, 14).expect("they are positive"));
        let seconds = HistogramVec::new(seconds, &["method", "route", "status"]);
        let rejected = Opts::new(
            "duet_http_rejected_total",
            "Requests that failed, by reason.",
        );
        let rejected = IntCounterVec::new(rejected, &["reason"]);
        let addresses = Opts::new(
            "duet_limited_addresses",
            "Client addresses that a limit tracks at the moment, by limit.",
        );
        let addresses = IntGaugeVec::new(addresses, &["limit"]);
        let answers_bytes = IntGauge::new(
            "duet_http_answers_bytes",
            "Memory reserved for responses that clients have not taken yet, in bytes.",
        );
        let untrusted_forwards = IntCounter::new(
            "duet_http_untrusted_forwards_total",
            "Requests with X-Forwarded-For from an address that server.trusted_proxies does not name.",
        );
        let replayed = IntCounter::new(
            "duet_messages_replayed_total",
            "Messages written to a stream that had missed them.",
        );
        Self {
            seconds: register(registry, seconds),
            rejected: register(registry, rejected),
            addresses: register(registry, addresses),
            answers_bytes: register(registry, answers_bytes),
            untrusted_forwards: register(registry, untrusted_forwards),
            untrusted_warning: Arc::new(Once::new()),
            replayed: register(registry, replayed),
        }
    }

    /// Updates the gauges from the current sizes.
    pub fn update_gauges(&self, limits: &AddressLimits, memory: &ResponseMemory) {
        for (limit, known) in limits.known() {
            let gauge = self.addresses.with_label_values(&[limit]);
            gauge.set(known as i64);
        }
        self.answers_bytes.set(memory.reserved_bytes() as i64);
    }

    /// Counts a request with `X-Forwarded-For` from an untrusted address, and warns of the first one.
    pub(super) fn count_untrusted_forward(&self, untrusted: IpAddr) {
        self.untrusted_forwards.inc();
        self.untrusted_warning.call_once(|| {
            warn!(
                proxy = %untrusted,
                "a request says whom it is forwarded for, and comes from no proxy in \
                 server.trusted_proxies: its clients count as one address"
            );
        });
    }

    /// Counts a request whose handler panicked.
    pub(super) fn count_panic(&self, method: &str, problem: &Problem, started: Instant) {
        let status = problem.status();
        let labels = [method, "none", status.as_str()];
        let seconds = self.seconds.with_label_values(&labels);
        seconds.observe(started.elapsed().as_secs_f64());
        self.rejected.with_label_values(&[problem.error()]).inc();
    }

    /// Counts a connection that was refused because its address has too many.
    pub fn count_refused_connection(&self) {
        let reason = ["too_many_connections"];
        self.rejected.with_label_values(&reason).inc();
    }
}
