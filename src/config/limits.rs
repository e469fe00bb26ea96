use std::time::Duration;

use actors::ports::ChatRoom;
use ipnet::IpNet;
use serde::Deserialize;

/// Every bound; `config/default.toml` says what each is for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the comments stand in config/default.toml, once"
)]
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
    /// The part that the actors keep.
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

    /// Those that must not be 0, by name.
    pub fn positive(&self) -> Vec<(&'static str, u64)> {
        let positive: [(&str, u64); 28] = [
            (
                "requests_per_address_per_second",
                self.requests_per_address_per_second.into(),
            ),
            (
                "requests_per_address_burst",
                self.requests_per_address_burst.into(),
            ),
            (
                "upload_kib_per_address_per_second",
                self.upload_kib_per_address_per_second.into(),
            ),
            (
                "upload_kib_per_address_burst",
                self.upload_kib_per_address_burst.into(),
            ),
            ("addresses_remembered", self.addresses_remembered as u64),
            (
                "registrations_per_address_per_day",
                self.registrations_per_address_per_day.into(),
            ),
            ("streams_per_address", self.streams_per_address as u64),
            ("answers_per_connection", self.answers_per_connection as u64),
            ("answers_waiting_mib", self.answers_waiting_mib as u64),
            ("requests_waiting", self.requests_waiting as u64),
            ("reads_per_worker", self.reads_per_worker as u64),
            (
                "connections_per_address",
                self.connections_per_address as u64,
            ),
            (
                "registrations_per_address_per_minute",
                self.registrations_per_address_per_minute.into(),
            ),
            (
                "logins_per_chat_per_minute",
                self.logins_per_chat_per_minute.into(),
            ),
            (
                "sends_per_seat_per_second",
                self.sends_per_seat_per_second.into(),
            ),
            ("sends_per_seat_burst", self.sends_per_seat_burst.into()),
            ("messages_per_chat", self.messages_per_chat),
            ("bytes_per_chat", self.bytes_per_chat),
            ("sessions_per_seat", self.sessions_per_seat as u64),
            ("streams_per_seat", self.streams_per_seat as u64),
            ("streams_per_instance", self.streams_per_instance as u64),
            ("chats_per_instance", self.chats_per_instance as u64),
            ("journal_queue_messages", self.journal_queue_messages as u64),
            ("journal_batch_messages", self.journal_batch_messages as u64),
            ("request_seconds", self.request_seconds),
            ("stalled_stream_seconds", self.stalled_stream_seconds),
            ("chat_rest_seconds", self.chat_rest_seconds),
            ("sweep_seconds", self.sweep_seconds),
        ];
        positive.to_vec()
    }

    /// The first of them that is 0 and must not be.
    pub(super) fn zero(&self) -> Option<&'static str> {
        let mut positive = self.positive().into_iter();
        positive
            .find(|(_, value)| *value == 0)
            .map(|(name, _)| name)
    }
}
