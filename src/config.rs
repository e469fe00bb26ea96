//! The settings: read, merged and checked before a socket opens.
//!
//! `config/default.toml` is built in and documents every key. A file overrides it, and the
//! environment overrides both.

use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ::config::{Config, ConfigError, Environment, File, FileFormat};
use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

/// The defaults, with a comment for every key.
pub const DEFAULT: &str = include_str!("../config/default.toml");

const TRUSTED_PROXIES: &str = "server.trusted_proxies";
const EXEMPT_ADDRESSES: &str = "limits.exempt_addresses";

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where and how to listen.
    pub server: Server,
    /// What lasts.
    pub store: Store,
    /// The courier between instances.
    pub bus: Bus,
    /// The links that are shared.
    pub links: Links,
    /// Every bound.
    pub limits: Limits,
    /// What is logged.
    pub log: Log,
}

/// Where and how to listen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address of the pages door, and of the others unless they have one of their own.
    pub bind: SocketAddr,
    /// The address of the API door.
    #[serde(deserialize_with = "blank_is_none")]
    pub api_bind: Option<SocketAddr>,
    /// The address of health and metrics.
    #[serde(deserialize_with = "blank_is_none")]
    pub ops_bind: Option<SocketAddr>,
    /// How people reach duet.
    #[serde(deserialize_with = "blank_is_none")]
    pub public_url: Option<Url>,
    /// Which service this instance is.
    pub role: Role,
    /// Threads that serve connections, and as many that run the chats; 0 means one per core.
    pub workers: usize,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a stopping instance lets its requests finish, in seconds.
    pub drain_seconds: u64,
}

/// Which service an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Makes chats.
    Registration,
    /// Everything under `…/user/`.
    Chat,
    /// Both.
    All,
}

impl Role {
    /// Whether chats are made here.
    pub fn registers(self) -> bool {
        self != Role::Chat
    }

    /// Whether people talk here.
    pub fn chats(self) -> bool {
        self != Role::Registration
    }
}

/// What lasts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Which store, and where.
    pub url: StoreUrl,
    /// Connections to PostgreSQL.
    pub pool_size: u32,
}

/// Which store, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum StoreUrl {
    /// One file on this machine.
    Sqlite(PathBuf),
    /// A server that any number of instances share.
    Postgres(Box<tokio_postgres::Config>),
}

impl TryFrom<String> for StoreUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        if let Some(path) = url
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty())
        {
            return Ok(StoreUrl::Sqlite(path.into()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let config = url.parse();
            return config
                .map(|config| StoreUrl::Postgres(Box::new(config)))
                .map_err(|error| format!("it is no address of a PostgreSQL server: {error}"));
        }
        Err("it must be sqlite://PATH, like sqlite://data/duet.db, or \
             postgres://USER:PASSWORD@HOST/DATABASE"
            .into())
    }
}

/// Without a password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            StoreUrl::Postgres(config) => write!(
                f,
                "the PostgreSQL database {}",
                config
                    .get_dbname()
                    .or(config.get_user())
                    .unwrap_or("of the server")
            ),
        }
    }
}

/// The courier between instances.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// Which bus, and where.
    pub url: BusUrl,
}

/// Which bus, and where.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum BusUrl {
    /// One process.
    Local,
    /// A Redis server, by its address.
    Redis(String),
}

impl TryFrom<String> for BusUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match url.as_str() {
            "local" => Ok(BusUrl::Local),
            _ if url.starts_with("redis://")
                && Url::parse(&url).is_ok_and(|url| url.has_host()) =>
            {
                Ok(BusUrl::Redis(url))
            }
            _ => Err("it must be \"local\" or redis://USER:PASSWORD@HOST:PORT".into()),
        }
    }
}

/// Without a password.
impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BusUrl::Local => f.write_str("local"),
            BusUrl::Redis(_) => f.write_str("of a Redis server"),
        }
    }
}

impl fmt::Debug for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The links that are shared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Which hashes a client may bring.
    #[serde(deserialize_with = "blank_is_none")]
    pub custom: Option<CustomHashes>,
    /// How long a chat lives when its registration does not say, in hours.
    pub ttl_hours: i64,
}

/// Which hashes a client may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomHashes {
    /// Six characters and more.
    Any,
    /// As many characters as the server's own have, and more.
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
    pub registrations_per_address_per_minute: u32,
    pub exempt_addresses: Vec<IpNet>,
    pub logins_per_chat_per_minute: u32,
    pub sends_per_seat_per_second: u32,
    pub sends_per_seat_burst: u32,
    pub messages_per_chat: u64,
    pub sessions_per_seat: usize,
    pub streams_per_seat: usize,
    pub streams_per_instance: usize,
    pub chats_per_instance: usize,
    pub journal_queue_messages: usize,
    pub journal_batch_messages: usize,
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
            messages_per_chat_max: self.messages_per_chat,
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

    /// The first of them that is 0 and must not be.
    fn zero(&self) -> Option<&'static str> {
        let positive: [(&str, u64); 17] = [
            (
                "requests_per_address_per_second",
                self.requests_per_address_per_second.into(),
            ),
            (
                "requests_per_address_burst",
                self.requests_per_address_burst.into(),
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
        positive
            .iter()
            .find(|(_, value)| *value == 0)
            .map(|(name, _)| *name)
    }
}

/// What is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// What, in the syntax of tracing-subscriber's `EnvFilter`.
    pub filter: String,
    /// How.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// A setting that cannot be: one sentence that names it and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

impl Settings {
    /// Reads the defaults, the file and the environment.
    ///
    /// # Errors
    /// [`Wrong`] names the first setting that is unknown or cannot be.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Wrong> {
        let mut config = Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
        if let Some(path) = file {
            let text = fs::read_to_string(path).map_err(|error| {
                Wrong(format!(
                    "The settings file {} cannot be read: {error}.",
                    path.display()
                ))
            })?;
            config = config.add_source(File::from_str(&text, FileFormat::Toml));
        }
        let environment = environment.into_iter().collect::<Vec<_>>();
        let value_of = |name: &str| {
            let (_, value) = environment.iter().find(|(known, _)| known == name)?;
            Some(value.clone())
        };
        // What hosting platforms call them.
        let mut platform = String::new();
        for (name, section) in [("DATABASE_URL", "store"), ("REDIS_URL", "bus")] {
            if let Some(url) = value_of(name) {
                platform += &format!("[{section}]\nurl = {}\n", toml_string(&url));
            }
        }
        config = config.add_source(File::from_str(&platform, FileFormat::Toml));
        let mut ours = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with("DUET_"))
            .collect::<std::collections::HashMap<_, _>>();
        // An empty value of a list is an empty list.
        for (name, key) in [
            ("DUET_SERVER__TRUSTED_PROXIES", TRUSTED_PROXIES),
            ("DUET_LIMITS__EXEMPT_ADDRESSES", EXEMPT_ADDRESSES),
        ] {
            if ours.get(name).is_some_and(|value| value.trim().is_empty()) {
                ours.remove(name);
                config = config
                    .set_override(key, Vec::<String>::new())
                    .map_err(wrong)?;
            }
        }
        let environment = Environment::with_prefix("DUET")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key(TRUSTED_PROXIES)
            .with_list_parse_key(EXEMPT_ADDRESSES)
            .source(Some(ours));
        let settings: Settings = config
            .add_source(environment)
            .build()
            .and_then(Config::try_deserialize)
            .map_err(wrong)?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Wrong> {
        let wrong = |sentence: &str| Err(Wrong(sentence.into()));
        let public = [
            Some(self.server.bind),
            self.server.api_bind,
            self.server.ops_bind,
        ]
        .into_iter()
        .flatten()
        .any(|bind| !bind.ip().is_loopback());
        match &self.server.public_url {
            None if public => {
                return wrong(
                    "server.public_url must be set when duet listens beyond this machine: it \
                     decides how links are written. Set it to the address people use, like \
                     https://chat.example.org.",
                );
            }
            Some(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                return wrong("server.public_url must begin with http:// or https:// and a host.");
            }
            Some(url) if url.path() != "/" || url.query().is_some() => {
                return wrong("server.public_url must be a bare address, without a path.");
            }
            _ => {}
        }
        if actors::domain::Lifetime::from_hours(self.links.ttl_hours).is_err() {
            return wrong("links.ttl_hours must be from 1 to 720.");
        }
        if self.store.pool_size == 0 {
            return wrong("store.pool_size must be at least 1.");
        }
        if let Some(name) = self.limits.zero() {
            return Err(Wrong(format!("limits.{name} must be at least 1.")));
        }
        if let Err(error) = self.log.filter.parse::<tracing_subscriber::EnvFilter>() {
            return Err(Wrong(format!("log.filter is not a filter: {error}.")));
        }
        Ok(())
    }

    /// Which hashes clients may bring, by setting or by where duet listens.
    pub fn custom_hashes(&self) -> CustomHashes {
        self.links
            .custom
            .unwrap_or(match self.server.bind.ip().is_loopback() {
                true => CustomHashes::Any,
                false => CustomHashes::Long,
            })
    }

    /// What the settings come to, in a sentence without secrets.
    pub fn summary(&self) -> String {
        format!(
            "The settings are right: duet would listen on {} as \"{}\", keep its chats in {} and \
             use the bus {}.",
            self.server.bind,
            format!("{:?}", self.server.role).to_lowercase(),
            self.store.url,
            self.bus.url,
        )
    }

    /// Threads of each kind.
    pub fn workers(&self) -> usize {
        match self.server.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }
}

fn wrong(error: ConfigError) -> Wrong {
    let sentence = match &error {
        ConfigError::FileParse { cause, .. } => {
            // Where, and what; the lines between draw a picture of it.
            let cause = cause.to_string();
            let lines = || cause.lines().filter(|line| !line.trim().is_empty());
            let (place, fault) = (lines().next(), lines().next_back());
            let told = [place, fault]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(": ");
            format!("The settings file is not TOML: {told}")
        }
        ConfigError::At {
            error,
            key: Some(key),
            ..
        } => format!("{key} is wrong: {error}"),
        other => format!("A setting is wrong: {other}"),
    };
    Wrong(format!("{}.", sentence.trim_end_matches(['.', '\n'])))
}

/// A TOML string that stands for exactly this text.
fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn blank_is_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}
