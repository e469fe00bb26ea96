//! What the pool counts.

use actors::metrics::register;
use prometheus::{IntCounter, IntGauge, Registry};

#[derive(Clone)]
pub(super) struct PoolMetrics {
    pub(super) connections: IntGauge,
    pub(super) idle: IntGauge,
    pub(super) opened: IntCounter,
    pub(super) failed: IntCounter,
    pub(super) retries: IntCounter,
}

impl PoolMetrics {
    pub(super) fn register(registry: &Registry) -> Self {
        let gauge = |name, help| register(registry, IntGauge::new(name, help));
        let counter = |name, help| register(registry, IntCounter::new(name, help));
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
                "Connections to PostgreSQL that came about.",
            ),
            failed: counter(
                "duet_store_connections_failed_total",
                "Attempts to connect to PostgreSQL that failed.",
            ),
            retries: counter(
                "duet_store_retries_total",
                "Calls made again because PostgreSQL went away or could not serve them.",
            ),
        }
    }
}
