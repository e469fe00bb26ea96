//! What a run is told to do; the field comments are the command line's help.

use std::{fmt, time::Duration};

use clap::Args;

/// Options of `flow`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where the servers are: http://host:port, several separated by commas.
    ///
    /// The streams and senders of one pair are spread over them, so with two instances every message has to travel from
    /// one to the other. More than about 28,000 connections to one address exhaust the local ports: name the
    /// same instance by several loopback addresses (http://127.0.0.1:8080,http://127.0.0.2:8080).
    #[arg(long, value_delimiter = ',', required = true, value_name = "URL")]
    pub api: Vec<String>,

    /// How many pairs talk. Both people of each have a stream open and send in turn.
    #[arg(long, default_value_t = 50, value_parser = at_least_one, value_name = "N")]
    pub pairs: usize,

    /// Open loop: this many messages per second over all pairs, on a fixed timetable.
    ///
    /// Latency counts from when a message was due, whether or not it could be sent then.
    #[arg(long, conflicts_with = "concurrency", value_parser = positive, value_name = "R")]
    pub rate: Option<f64>,

    /// Closed loop: this many senders, each of which sends its next message when the last one is acknowledged.
    #[arg(long, default_value_t = 16, value_parser = at_least_one, value_name = "C")]
    pub concurrency: usize,

    /// How many seconds are measured.
    #[arg(long, default_value = "10", conflicts_with = "messages", value_parser = seconds, value_name = "S")]
    pub duration: Duration,

    /// Send exactly this many messages instead.
    #[arg(long, value_name = "N")]
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

    /// Connections for requests to each address at most. Streams have one each besides.
    #[arg(long, default_value_t = crate::client::CONNECTIONS_MAX, value_parser = at_least_one, value_name = "N")]
    pub connections: usize,
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

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "give a number of seconds, such as 10 or 0.5".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "give a number above 0".to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "give a whole number from 1 up".to_owned())
}

fn text_len(text: &str) -> Result<usize, String> {
    const TEXT_LEN_MAX: usize = 16 << 10;
    let len = at_least_one(text).ok().filter(|len| *len <= TEXT_LEN_MAX);
    len.ok_or_else(|| format!("a text has 1 to {TEXT_LEN_MAX} bytes"))
}
