use std::time::Duration;

use crate::ports::ChatRoom;

/// The limits of an instance.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Pairs in memory.
    pub pairs_max: usize,
    /// Streams open at one seat.
    pub streams_per_seat_max: usize,
    /// Streams open in this instance.
    pub streams_max: usize,
    /// Sessions of one seat.
    pub sessions_per_seat_max: usize,
    /// What one chat may hold.
    pub chat_room: ChatRoom,
    /// Messages waiting in one lane of the journal.
    pub journal_queue_len_max: usize,
    /// Messages in one commit.
    pub journal_batch_len_max: usize,
    /// Messages one seat may send in a second, on average.
    pub sends_per_seat_per_second: u32,
    /// Messages one seat may send at once.
    pub sends_per_seat_burst: u32,
    /// Logins and asks per minute in one chat.
    pub logins_per_chat_per_minute: u32,
    /// How long a pair without streams and requests stays in memory.
    pub pair_rest_after: Duration,
    /// How long a seat without a stream still counts as online.
    pub presence_grace: Duration,
    /// How often the sweep runs.
    pub sweep_interval: Duration,
}
