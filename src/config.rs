//! The settings: read, merged and checked before a socket opens.
//!
//! `config/default.toml` is embedded and documents every key. A file overrides it, and the environment overrides both.

mod authorities;
mod checking;
mod contact;
mod environment;
mod keys;
mod limits;
mod loading;
mod postgres_url;
mod print;
mod redis_url;
mod sources;
mod urls;
mod values;

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

pub use contact::Contact;
pub use environment::environment;
pub use limits::Limits;
pub use loading::log_format;
pub use postgres_url::PostgresUrl;
pub use print::print;
pub use redis_url::RedisUrl;
pub use sources::Sources;
pub use urls::{BusUrl, StoreUrl};
use values::blank_is_none;

/// The defaults, with a comment for every key.
pub const DEFAULT: &str = include_str!("../config/default.toml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where and how to listen.
    pub server: Server,
    /// The store.
    pub store: Store,
    /// The bus between instances.
    pub bus: Bus,
    /// The links that are shared.
    pub links: Links,
    /// All limits.
    pub limits: Limits,
    /// What is logged.
    pub log: Log,
    /// Warnings about environment variables that look like settings and are not.
    #[serde(skip)]
    pub hints: Vec<String>,
}

/// Where and how to listen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml has the comments")]
pub struct Server {
    #[serde(deserialize_with = "values::bind")]
    pub bind: SocketAddr,
    #[serde(deserialize_with = "values::own_bind")]
    pub api_bind: Option<SocketAddr>,
    #[serde(deserialize_with = "values::own_bind")]
    pub ops_bind: Option<SocketAddr>,
    #[serde(deserialize_with = "blank_is_none")]
    pub public_url: Option<Url>,
    #[serde(deserialize_with = "blank_is_none")]
    pub security_contact: Option<Contact>,
    pub role: Role,
    pub workers: usize,
    #[serde(deserialize_with = "values::networks")]
    pub trusted_proxies: Vec<IpNet>,
    #[serde(deserialize_with = "blank_is_none")]
    pub tls_cert: Option<PathBuf>,
    #[serde(deserialize_with = "blank_is_none")]
    pub tls_key: Option<PathBuf>,
    pub allow_plain_http: bool,
    pub leave_seconds: u64,
    pub drain_seconds: u64,
}

/// Which service an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The routes that make chats.
    Registration,
    /// Everything under `…/user/`.
    Chat,
    /// Both.
    All,
}

impl Role {
    /// Whether it has the routes that make chats.
    pub fn registers(self) -> bool {
        self != Role::Chat
    }

    /// Whether it has the routes under `…/user/`.
    pub fn chats(self) -> bool {
        self != Role::Registration
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Registration => "registration",
            Role::Chat => "chat",
            Role::All => "all",
        })
    }
}

/// The store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml has the comments")]
pub struct Store {
    pub url: StoreUrl,
    #[serde(deserialize_with = "urls::several")]
    pub urls: Vec<PostgresUrl>,
    #[serde(deserialize_with = "blank_is_none")]
    pub url_file: Option<PathBuf>,
    pub pool_size: u32,
    pub lanes: u16,
    pub start_seconds: u64,
    pub connect_seconds: u64,
    pub call_seconds: u64,
}

impl Store {
    /// How long the start waits for the store; `None` means for ever.
    pub fn start_patience(&self) -> Option<Duration> {
        (self.start_seconds > 0).then(|| Duration::from_secs(self.start_seconds))
    }
}

/// The bus between instances.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml has the comments")]
pub struct Bus {
    pub url: BusUrl,
    #[serde(deserialize_with = "blank_is_none")]
    pub tls_ca: Option<PathBuf>,
    #[serde(deserialize_with = "blank_is_none")]
    pub url_file: Option<PathBuf>,
}

/// The links that are shared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml has the comments")]
pub struct Links {
    #[serde(deserialize_with = "blank_is_none")]
    pub custom: Option<CustomHashes>,
    pub ttl_hours: i64,
}

/// Which hashes clients may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomHashes {
    /// Six characters and more.
    Any,
    /// 22 characters, as generated ones have, and more.
    Long,
    /// None.
    Off,
}

impl std::str::FromStr for CustomHashes {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "any" => Ok(CustomHashes::Any),
            "long" => Ok(CustomHashes::Long),
            "off" => Ok(CustomHashes::Off),
            _ => Err("it must be \"any\", \"long\" or \"off\"".into()),
        }
    }
}

/// What is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml has the comments")]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// A wrong setting: one sentence that names it and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl ConfigError {
    /// Adds where the setting was set; its key is the first word of the sentence.
    fn set_in(self, sources: &Sources) -> Self {
        let Some(key) = self.0.split_whitespace().next() else {
            return self;
        };
        match sources.of(key) {
            "default" => self,
            place => {
                let by = if place.starts_with("line ") {
                    "on"
                } else {
                    "in"
                };
                Self(format!("{} It is set {by} {place}.", self.0))
            }
        }
    }
}

impl Settings {
    /// Which hashes clients may choose: as set, or by where duet listens.
    pub fn custom_hashes(&self) -> CustomHashes {
        self.links
            .custom
            .unwrap_or(match self.server.bind.ip().is_loopback() {
                true => CustomHashes::Any,
                false => CustomHashes::Long,
            })
    }

    /// Summarises the settings in a sentence without secrets.
    pub fn summary(&self) -> String {
        let tls = match &self.server.tls_cert {
            Some(certificate) => format!(" by TLS with {}", certificate.display()),
            None => String::new(),
        };
        format!(
            "The settings are right: duet would listen on {}{tls} as \"{}\", keep its chats in {} \
             and use the bus {}.",
            self.server.bind, self.server.role, self.store.url, self.bus.url,
        )
    }

    /// The number of worker threads.
    pub fn workers(&self) -> usize {
        match self.server.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }
}

/// Whether a URL's host is this machine.
pub fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
