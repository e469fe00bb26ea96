use std::time::Duration;

use prometheus::{GaugeVec, IntCounter, IntGauge, IntGaugeVec};

use super::server::Address;

actors::metrics! {
    /// The metrics of the bus.
    #[derive(Clone)]
    pub(super) struct Metrics {
        /// Notices that Redis has taken.
        pub(super) published: IntCounter = "duet_bus_published_total",
        /// Notices sent again because Redis did not confirm them.
        pub(super) repeated: IntCounter = "duet_bus_repeated_total",
        /// Notices of other instances.
        pub(super) received: IntCounter = "duet_bus_received_total",
        /// Notices dropped because too many waited; the others read from the store.
        pub(super) dropped: IntCounter = "duet_bus_dropped_total",
        /// Times that chats were compared with the store because they may have missed notices.
        pub(super) resyncs: IntCounter = "duet_bus_resyncs_total",
        /// Times that a subscription was lost and made again.
        pub(super) reconnects: IntCounter = "duet_bus_reconnects_total",
        /// Notices that wait to be sent.
        pub(super) outbox_len: IntGauge = "duet_bus_outbox_notices",
        /// State of a shard: 2 up, 0 away: it cannot be reached, brings nothing, or refuses writes.
        state: IntGaugeVec = "duet_bus_state" by "shard",
        /// How long ago this instance heard its own beat through a shard.
        probe_age: GaugeVec = "duet_bus_probe_age_seconds" by "shard",
        /// Live instances according to a shard, this one included.
        instances: IntGaugeVec = "duet_bus_instances" by "shard",
    }
}

/// The state of a shard.
#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    Away = 0,
    Up = 2,
}

impl Metrics {
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
