use std::time::Duration;

use actors::metrics::register;
use prometheus::{GaugeVec, IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

use super::server::Address;

/// The metrics of the bus.
#[derive(Clone)]
pub(super) struct Metrics {
    pub(super) published: IntCounter,
    pub(super) repeated: IntCounter,
    pub(super) received: IntCounter,
    pub(super) dropped: IntCounter,
    pub(super) resyncs: IntCounter,
    pub(super) reconnects: IntCounter,
    pub(super) outbox_len: IntGauge,
    state: IntGaugeVec,
    probe_age: GaugeVec,
    instances: IntGaugeVec,
}

/// The state of a shard's subscription.
#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    Away = 0,
    Deaf = 1,
    Up = 2,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When one of the names is registered already: a bug in the caller.
    pub(super) fn register(registry: &Registry) -> Self {
        let counter = |name, help| register(registry, IntCounter::new(name, help));
        let by_shard = ["shard"];
        let gauges = |name: &str, help: &str| {
            register(registry, IntGaugeVec::new(Opts::new(name, help), &by_shard))
        };
        Self {
            published: counter("duet_bus_published_total", "Notices that Redis has taken."),
            repeated: counter(
                "duet_bus_repeated_total",
                "Notices sent again because Redis did not confirm them.",
            ),
            received: counter("duet_bus_received_total", "Notices of other instances."),
            dropped: counter(
                "duet_bus_dropped_total",
                "Notices dropped because too many waited; the others read from the store.",
            ),
            resyncs: counter(
                "duet_bus_resyncs_total",
                "Times that chats were compared with the store because they may have missed notices.",
            ),
            reconnects: counter(
                "duet_bus_reconnects_total",
                "Times that a subscription was lost and made again.",
            ),
            outbox_len: register(
                registry,
                IntGauge::new("duet_bus_outbox_notices", "Notices that wait to be sent."),
            ),
            state: gauges(
                "duet_bus_state",
                "State of the subscription to a shard: 2 up, 1 deaf, 0 away.",
            ),
            probe_age: register(
                registry,
                GaugeVec::new(
                    Opts::new(
                        "duet_bus_probe_age_seconds",
                        "How long ago this instance heard its own beat through a shard.",
                    ),
                    &by_shard,
                ),
            ),
            instances: gauges(
                "duet_bus_instances",
                "Live instances according to a shard, this one included.",
            ),
        }
    }

    pub(super) fn set_state(&self, shard: &Address, state: State) {
        let gauge = self.state.with_label_values(&[&shard.to_string()]);
        gauge.set(state as i64);
    }

    /// Sets how long ago an own beat was heard at a shard, and how many instances are alive.
    pub(super) fn set_beats(&self, shard: &Address, age: Duration, living: usize) {
        let shard = shard.to_string();
        let probe_age = self.probe_age.with_label_values(&[&shard]);
        probe_age.set(age.as_secs_f64());
        self.instances
            .with_label_values(&[&shard])
            .set(living as i64);
    }

    /// Removes a shard's series, if it has any.
    pub(super) fn forget(&self, shard: &Address) {
        let shard = shard.to_string();
        let _ = self.state.remove_label_values(&[&shard]);
        let _ = self.probe_age.remove_label_values(&[&shard]);
        let _ = self.instances.remove_label_values(&[&shard]);
    }
}
