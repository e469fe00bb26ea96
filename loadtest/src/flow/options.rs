//! What a run is told to do; the field comments are the command line's help.

use std::{fmt, time::Duration};

use clap::{Args, value_parser};

use crate::options::{Servers, at_least_one, rate, seconds, some_seconds, text_len};

/// Options of `flow`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to.
    #[command(flatten)]
    pub servers: Servers,

    /// Processes of this machine that the servers stand on, such as PostgreSQL and Redis, separated by commas: what they use is
    /// told beside what the servers do.
    #[arg(long, value_delimiter = ',', value_name = "PID")]
    pub beside: Vec<u32>,

    /// Count the instructions of all these processes with `perf stat`, where the machine has a counter for them.
    #[arg(long, requires = "pid")]
    pub instructions: bool,

    /// How many pairs talk. Both people of each have a stream open and send in turn.
    #[arg(long, default_value_t = 50, value_parser = at_least_one, value_name = "N")]
    pub pairs: usize,

    /// How many further chats are registered in which nobody talks.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub silent_chats: usize,

    /// Open loop: this many messages per second over all pairs, on a fixed timetable.
    ///
    /// Latency counts from when a message was due, whether or not it could be sent then.
    #[arg(long, conflicts_with = "concurrency", value_parser = rate, value_name = "R")]
    pub rate: Option<f64>,

    /// Closed loop: this many senders, each of which sends its next message when the last one is acknowledged.
    #[arg(long, default_value_t = 16, value_parser = at_least_one, value_name = "C")]
    pub concurrency: usize,

    /// How many seconds are measured.
    #[arg(long, default_value = "10", conflicts_with = "messages", value_parser = some_seconds, value_name = "S")]
    pub duration: Duration,

    /// Send exactly this many messages instead.
    #[arg(long, value_parser = value_parser!(u64).range(1..), value_name = "N")]
    pub messages: Option<u64>,

    /// Seconds of sending before the measurement begins. Their messages are checked like all others.
    #[arg(long, default_value = "0", value_parser = seconds, value_name = "S")]
    pub warmup: Duration,

    /// Size of each text in bytes of UTF-8: letters of every length, and characters that have to be escaped.
    #[arg(long, default_value_t = 100, value_parser = text_len, value_name = "N")]
    pub text_bytes: usize,

    /// How long one message is tried again, in seconds: after 429 and 503 as the server asks, after a lost connection
    /// at the next instance, always with the same id.
    #[arg(long, default_value = "30", value_parser = seconds, value_name = "S")]
    pub patience: Duration,

    /// How long the last messages may take to reach both people, in seconds, before they count as lost.
    #[arg(long, default_value = "60", value_parser = seconds, value_name = "S")]
    pub tail: Duration,
}

/// How messages become due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// By a timetable of so many a second.
    Open {
        /// Messages per second.
        rate: f64,
    },
    /// Whenever one of so many senders is free.
    Closed {
        /// Senders.
        concurrency: usize,
    },
}

/// How long sending goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extent {
    Messages(u64),
    Time(Duration),
}

impl Options {
    /// How messages become due.
    pub fn load(&self) -> Load {
        match self.rate {
            Some(rate) => Load::Open { rate },
            None => Load::Closed {
                concurrency: self.concurrency,
            },
        }
    }

    /// How long messages that are measured become due, where that is known before.
    pub(super) fn measured(&self) -> Duration {
        match (self.messages, self.rate) {
            (None, _) => self.duration,
            (Some(messages), Some(rate)) => {
                Duration::from_secs_f64(messages as f64 / rate).saturating_sub(self.warmup)
            }
            (Some(_), None) => Duration::ZERO,
        }
    }

    pub(super) fn extent(&self) -> Extent {
        match self.messages {
            Some(messages) => Extent::Messages(messages),
            None => Extent::Time(self.warmup + self.duration),
        }
    }
}

impl Extent {
    /// Whether message `number`, due this long after the first, is still to be sent.
    pub(super) fn covers(self, number: u64, since_first: Duration) -> bool {
        match self {
            Self::Messages(messages) => number < messages,
            Self::Time(time) => since_first < time,
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { rate } => write!(f, "{rate} messages/s on a timetable (open loop)"),
            Self::Closed { concurrency } => write!(f, "by {concurrency} senders (closed loop)"),
        }
    }
}
