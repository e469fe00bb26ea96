use std::time::Duration;

use actors::ports::ChatRoom;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// 0 means that there is none, or that nothing is waited for.
const MAY_BE_ZERO: [&str; 3] = [
    "free_disk_mib_min",
    "presence_grace_ms",
    "stream_buffer_kib",
];

/// All limits; `config/default.toml` explains each.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml has the comments")]
pub struct Limits {
    pub requests_per_address_per_second: u32,
    pub requests_per_address_burst: u32,
    pub upload_kib_per_address_per_second: u32,
    pub upload_kib_per_address_burst: u32,
    pub addresses_remembered: usize,
    pub connections_per_address: usize,
    pub registrations_per_address_per_minute: u32,
    pub registrations_per_address_per_day: u32,
    #[serde(deserialize_with = "super::values::networks")]
    pub exempt_addresses: Vec<IpNet>,
    pub logins_per_chat_per_minute: u32,
    pub sends_per_seat_per_second: u32,
    pub sends_per_seat_burst: u32,
    pub messages_per_chat: u64,
    pub bytes_per_chat: u64,
    pub free_disk_mib_min: u64,
    pub sessions_per_seat: usize,
    pub streams_per_address: usize,
    pub streams_per_seat: usize,
    pub streams_per_instance: usize,
    pub chats_per_instance: usize,
    pub journal_queue_messages: usize,
    pub journal_batch_messages: usize,
    pub answers_per_connection: usize,
    pub answers_waiting_mib: usize,
    pub requests_waiting: usize,
    pub reads_per_worker: usize,
    pub request_seconds: u64,
    pub stalled_stream_seconds: u64,
    pub stream_buffer_kib: usize,
    pub chat_rest_seconds: u64,
    pub presence_grace_ms: u64,
    pub sweep_seconds: u64,
}

impl Limits {
    /// The limits that the actors enforce.
    pub fn of_actors(&self) -> actors::Limits {
        actors::Limits {
            pairs_max: self.chats_per_instance,
            streams_per_seat_max: self.streams_per_seat,
            streams_max: self.streams_per_instance,
            sessions_per_seat_max: self.sessions_per_seat,
            chat_room: ChatRoom {
                messages_max: self.messages_per_chat,
                bytes_max: self.bytes_per_chat,
            },
            journal_queue_len_max: self.journal_queue_messages,
            journal_batch_len_max: self.journal_batch_messages,
            sends_per_seat_per_second: self.sends_per_seat_per_second,
            sends_per_seat_burst: self.sends_per_seat_burst,
            logins_per_chat_per_minute: self.logins_per_chat_per_minute,
            pair_rest_after: Duration::from_secs(self.chat_rest_seconds),
            presence_grace: Duration::from_millis(self.presence_grace_ms),
            sweep_interval: Duration::from_secs(self.sweep_seconds),
        }
    }

    /// Those that are numbers, by their names.
    pub fn numbers(&self) -> Vec<(String, u64)> {
        let limits = serde_json::to_value(self).expect("numbers and networks are JSON");
        let limits = limits.as_object().cloned().unwrap_or_default();
        let number = |(name, value): (_, Value)| Some((name, value.as_u64()?));
        limits.into_iter().filter_map(number).collect()
    }

    /// The first limit that is 0 and must be positive.
    pub(super) fn zero(&self) -> Option<String> {
        let mut numbers = self.numbers().into_iter();
        let zero =
            numbers.find(|(name, value)| *value == 0 && !MAY_BE_ZERO.contains(&name.as_str()));
        zero.map(|(name, _)| name)
    }
}
