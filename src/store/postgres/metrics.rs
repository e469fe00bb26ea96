//! The pool's metrics.

use actors::metrics::register;
use prometheus::{IntCounter, IntGauge, Opts, Registry};

#[derive(Clone)]
pub(in crate::store) struct PoolMetrics {
    pub(super) connections: IntGauge,
    pub(super) idle: IntGauge,
    pub(super) opened: IntCounter,
    pub(super) failed: IntCounter,
    pub(super) retries: IntCounter,
}

impl PoolMetrics {
    /// Labelled by server where the store has several.
    pub(in crate::store) fn register(registry: &Registry, server: Option<&str>) -> Self {
        let opts = |name: &str, help: &str| match server {
            Some(server) => Opts::new(name, help).const_label("server", server),
            None => Opts::new(name, help),
        };
        let gauge = |name, help| register(registry, IntGauge::with_opts(opts(name, help)));
        let counter = |name, help| register(registry, IntCounter::with_opts(opts(name, help)));
        Self {
            connections: gauge(
                "duet_store_connections",
                "Connections to PostgreSQL in the pool.",
            ),
            idle: gauge(
                "duet_store_connections_idle",
                "Connections to PostgreSQL that no call is using.",
            ),
            opened: counter(
                "duet_store_connections_opened_total",
                "Connections to PostgreSQL opened.",
            ),
            failed: counter(
                "duet_store_connections_failed_total",
                "Attempts to connect to PostgreSQL that failed.",
            ),
            retries: counter(
                "duet_store_retries_total",
                "Calls retried because PostgreSQL was away or could not serve them.",
            ),
        }
    }
}
