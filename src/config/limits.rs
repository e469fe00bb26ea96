use std::time::Duration;

use actors::ports::ChatRoom;
use ipnet::IpNet;
use serde::Deserialize;

/// All limits; `config/default.toml` explains each.
#[derive(Debug, Clone, Deserialize)]
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

    /// The limits that must be positive, by name.
    pub fn positive(&self) -> Vec<(&'static str, u64)> {
        macro_rules! named {
            ($($limit:ident,)*) => { vec![$((stringify!($limit), self.$limit as u64),)*] };
        }
        named![
            requests_per_address_per_second,
            requests_per_address_burst,
            upload_kib_per_address_per_second,
            upload_kib_per_address_burst,
            addresses_remembered,
            registrations_per_address_per_day,
            streams_per_address,
            answers_per_connection,
            answers_waiting_mib,
            requests_waiting,
            reads_per_worker,
            connections_per_address,
            registrations_per_address_per_minute,
            logins_per_chat_per_minute,
            sends_per_seat_per_second,
            sends_per_seat_burst,
            messages_per_chat,
            bytes_per_chat,
            sessions_per_seat,
            streams_per_seat,
            streams_per_instance,
            chats_per_instance,
            journal_queue_messages,
            journal_batch_messages,
            request_seconds,
            stalled_stream_seconds,
            chat_rest_seconds,
            sweep_seconds,
        ]
    }

    /// The first limit that is 0 and must be positive.
    pub(super) fn zero(&self) -> Option<&'static str> {
        let mut positive = self.positive().into_iter();
        positive
            .find(|(_, value)| *value == 0)
            .map(|(name, _)| name)
    }
}
