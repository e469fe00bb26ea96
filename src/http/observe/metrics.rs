//! The metrics of HTTP requests.

use std::{net::IpAddr, sync::Once, time::Instant};

use actors::metrics::doubling;
use prometheus::{HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use tracing::warn;

use crate::http::{
    limits::AddressLimits, problem::Problem, serve::response_memory::ResponseMemory,
};

actors::metrics! {
    /// The metrics of all sockets.
    #[derive(Clone)]
    pub struct HttpMetrics {
        /// Time until the head of the response, in seconds, by route template.
        pub(super) seconds: HistogramVec = "duet_http_request_seconds" by "method" by "route" by "status" in doubling(0.000_5, 14),
        /// Requests that failed, by reason.
        rejected: IntCounterVec = "duet_http_rejected_total" by "reason",
        /// Client addresses that a limit tracks at the moment, by limit.
        addresses: IntGaugeVec = "duet_limited_addresses" by "limit",
        /// Memory reserved for responses that clients have not taken yet, in bytes.
        answers_bytes: IntGauge = "duet_http_answers_bytes",
        /// Requests with X-Forwarded-For from an address that server.trusted_proxies does not name.
        untrusted_forwards: IntCounter = "duet_http_untrusted_forwards_total",
        /// Messages written to a stream that had missed them.
        pub replayed: IntCounter = "duet_messages_replayed_total",
    }
}

impl HttpMetrics {
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
        static WARNING: Once = Once::new();
        self.untrusted_forwards.inc();
        WARNING.call_once(|| {
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
        self.count_rejected(problem.error());
    }

    /// Counts a request that failed, or a connection that was refused.
    pub fn count_rejected(&self, reason: &str) {
        self.rejected.with_label_values(&[reason]).inc();
    }
}
