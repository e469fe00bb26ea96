//! What several commands are told alike, and how their numbers are read; the field comments are the command line's help.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use clap::Args;
use harness::{
    client::{CONNECTIONS_MAX, Client, Dialect},
    http::TargetError,
};

use crate::{
    rivals::{
        nchan::{self, Nchan},
        xmpp::{Address, XmppError},
    },
    usage::{Processes, UsageError},
};

/// Where the servers are.
#[derive(Args, Clone, Debug)]
pub struct Servers {
    /// Where the servers are: http://host:port, several separated by commas. `flow` and `ramp` drive
    /// xmpp://host:port/domain as well, and `flow`, `ramp`, `idle` and `storm` nchan://host:port.
    ///
    /// The streams and senders of one pair are spread over them, so with two instances every message travels from one
    /// to the other.
    #[arg(long, value_delimiter = ',', required = true, value_name = "URL")]
    pub api: Vec<String>,

    /// The servers' processes on this machine, separated by commas: the report includes their CPU time and memory,
    /// and their children's.
    #[arg(long, value_delimiter = ',', value_name = "PID")]
    pub pid: Vec<u32>,

    /// The most connections for requests to each address. Each stream has another.
    #[arg(long, default_value_t = CONNECTIONS_MAX, value_parser = at_least_one, value_name = "N")]
    pub connections: usize,
}

/// How streams are carried.
#[derive(Args, Clone, Copy, Debug)]
pub struct Carriage {
    /// Streams over HTTP/2 without TLS, many on one connection, as a proxy in front of the servers opens them.
    #[arg(long)]
    pub h2c: bool,

    /// Streams on one HTTP/2 connection.
    #[arg(long, default_value_t = 100, value_parser = at_least_one, value_name = "N", requires = "h2c")]
    pub streams_per_connection: usize,
}

/// Why the servers cannot be driven as the options ask.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// An address is invalid.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A process does not exist.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The address of an XMPP server is invalid.
    #[error(transparent)]
    Xmpp(#[from] XmppError),
}

impl Servers {
    /// A client for each address.
    pub async fn clients(&self) -> Result<Arc<[Client]>, ServersError> {
        self.each(|client| client).await
    }

    /// The same with their streams carried so.
    pub async fn clients_by(&self, carriage: Carriage) -> Result<Arc<[Client]>, ServersError> {
        self.each(|client| carriage.of(client)).await
    }

    async fn each(&self, made: impl Fn(Client) -> Client) -> Result<Arc<[Client]>, ServersError> {
        let channels: Arc<dyn Dialect> = Arc::new(Nchan::default());
        let mut clients = Vec::with_capacity(self.api.len());
        for url in &self.api {
            let client = match url.strip_prefix(nchan::SCHEME) {
                Some(address) => {
                    let url = format!("http://{address}");
                    Client::speaking(Arc::clone(&channels), &url, self.connections).await?
                }
                None => Client::with_connections(url, self.connections).await?,
            };
            clients.push(made(client));
        }
        Ok(clients.into())
    }

    /// The servers' addresses where they are those of XMPP servers.
    pub(crate) fn over_xmpp(&self) -> Result<Option<Vec<Address>>, ServersError> {
        if !self.api.iter().any(|url| Address::is_meant_by(url)) {
            return Ok(None);
        }
        let addresses = self.api.iter().map(|url| Address::read(url));
        Ok(Some(addresses.collect::<Result<_, _>>()?))
    }

    /// The processes to watch; none where none were named.
    pub fn processes(&self) -> Result<Processes, ServersError> {
        Ok(Processes::new(&self.pid)?)
    }
}

impl Carriage {
    /// The same client with its streams carried so.
    fn of(self, client: Client) -> Client {
        if self.h2c {
            client.with_streams_over_h2c(self.streams_per_connection)
        } else {
            client
        }
    }

    /// Its name in a report.
    pub fn name(self) -> &'static str {
        if self.h2c {
            "HTTP/2 without TLS"
        } else {
            "HTTP/1.1"
        }
    }
}

/// Longer is a mistake, and no moment of the clock is out of reach.
const A_MONTH_SECONDS: f64 = 30.0 * 86_400.0;
/// Messages or chats in a second: more cannot be made, and fewer come to none in a month.
const RATES: RangeInclusive<f64> = 0.001..=1e7;

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    let seconds = seconds.filter(|seconds| (0.0..=A_MONTH_SECONDS).contains(seconds));
    let seconds = seconds.map(Duration::from_secs_f64);
    seconds.ok_or_else(|| "give a number of seconds, such as 10 or 0.5".to_owned())
}

/// How long something goes on that is measured.
pub(crate) fn some_seconds(text: &str) -> Result<Duration, String> {
    let some = seconds(text)?;
    match some.is_zero() {
        true => Err("give more than 0 seconds".to_owned()),
        false => Ok(some),
    }
}

pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| RATES.contains(rate));
    rate.ok_or_else(|| format!("give a number from {} to {}", RATES.start(), RATES.end()))
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "give a number above 0".to_owned())
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "give a whole number from 1 up".to_owned())
}

pub(crate) fn text_len(text: &str) -> Result<usize, String> {
    const TEXT_LEN_MAX: usize = 16 << 10;
    let len = at_least_one(text).ok().filter(|len| *len <= TEXT_LEN_MAX);
    len.ok_or_else(|| format!("a text has 1 to {TEXT_LEN_MAX} bytes"))
}
