//! Checks of settings beyond their types, alone and in combination.

use std::net::SocketAddr;

use tracing::level_filters::LevelFilter;

use super::{BusUrl, ConfigError, PostgresUrl, Settings, StoreUrl, is_local};

/// A longer wait is a mistake, and for a call close to what PostgreSQL accepts.
const A_DAY_SECONDS: u64 = 24 * 60 * 60;
const A_DAY: &str = "nothing is waited for longer than a day";
/// More threads are a mistake, and may exceed what the system allows.
const WORKERS_MAX: u64 = 1_024;
/// Far more than a server of PostgreSQL takes from one client.
const CONNECTIONS_MAX: u64 = 1_000;
/// Each lane may hold a connection while it commits.
const LANES_MAX: u64 = 100;
/// Log targets that may be named without a level.
const PARTS: [&str; 3] = ["duet", "actors", "views"];

impl Settings {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |sentence: &str| Err(ConfigError(sentence.into()));
        let server = &self.server;
        let is_public = are_public([Some(server.bind), server.api_bind, server.ops_bind]);
        self.check_addresses()?;
        match &self.server.public_url {
            None if is_public => {
                return wrong(
                    "server.public_url must be set when duet listens beyond this machine: it \
                     decides how links are written. Set it to the address people use, like \
                     https://chat.example.org.",
                );
            }
            Some(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                return wrong("server.public_url must begin with http:// or https:// and a host.");
            }
            Some(url)
                if url.path() != "/"
                    || url.query().or(url.fragment()).is_some()
                    || !url.username().is_empty()
                    || url.password().is_some()
                    || url.host_str().is_some_and(|host| host.contains('*')) =>
            {
                return wrong(
                    "server.public_url must be a bare address, without a path, a user or a pattern, \
                     like https://chat.example.org.",
                );
            }
            Some(url)
                if url.scheme() == "http"
                    && server.tls_cert.is_some()
                    && server.trusted_proxies.is_empty() =>
            {
                return wrong(
                    "server.public_url must begin with https://: with server.tls_cert duet speaks TLS alone, \
                     and links that begin with http:// would lead nowhere.",
                );
            }
            _ => {}
        }
        if self.server.tls_cert.is_some() != self.server.tls_key.is_some() {
            return wrong(
                "server.tls_cert and server.tls_key must be set together: a certificate is of no \
                 use without its key.",
            );
        }
        let bus_by_tls = matches!(&self.bus.url, BusUrl::Redis(url) if url.tls);
        if self.bus.tls_ca.is_some() && !bus_by_tls {
            return wrong(
                "bus.tls_ca is of no use without TLS: the bus.url that goes with it begins with \
                 rediss://, rediss+sentinel:// or rediss+cluster://.",
            );
        }
        self.check_plain_http()?;
        self.check_servers()?;
        if actors::domain::Lifetime::from_hours(self.links.ttl_hours).is_err() {
            return wrong("links.ttl_hours must be from 1 to 720.");
        }
        self.check_numbers()?;
        if let Some(name) = self.limits.zero() {
            return Err(ConfigError(format!("limits.{name} must be at least 1.")));
        }
        if let Err(error) = self.log.filter.parse::<tracing_subscriber::EnvFilter>() {
            return Err(ConfigError(format!("log.filter is not a filter: {error}.")));
        }
        self.check_log_levels()
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        let Self { server, store, .. } = self;
        #[rustfmt::skip] // A table, a setting a row.
        let bounds = [
            ("server.workers", server.workers as u64, 0..=WORKERS_MAX, "one for each core is enough"),
            ("server.leave_seconds", server.leave_seconds, 0..=A_DAY_SECONDS, A_DAY),
            ("server.drain_seconds", server.drain_seconds, 0..=A_DAY_SECONDS, A_DAY),
            ("store.pool_size", store.pool_size.into(), 1..=CONNECTIONS_MAX, "each is a process of PostgreSQL's"),
            ("store.lanes", store.lanes.into(), 1..=LANES_MAX, "the fewer, the larger and cheaper are the commits"),
            ("store.start_seconds", store.start_seconds, 0..=A_DAY_SECONDS, A_DAY),
            ("store.connect_seconds", store.connect_seconds, 1..=A_DAY_SECONDS, A_DAY),
            ("store.call_seconds", store.call_seconds, 1..=A_DAY_SECONDS, A_DAY),
        ];
        let wrong = bounds
            .iter()
            .find(|(_, value, range, _)| !range.contains(value));
        match wrong {
            None => Ok(()),
            Some((name, value, range, why)) => Err(ConfigError(format!(
                "{name} = {value} must be from {} to {}: {why}.",
                range.start(),
                range.end()
            ))),
        }
    }

    fn check_log_levels(&self) -> Result<(), ConfigError> {
        // Of nothing tracing-subscriber makes "error": warnings would be lost.
        if self.log.filter.trim().is_empty() {
            return Err(ConfigError(
                "log.filter = \"\" names no level. Write \"info\", or \"off\" to log nothing."
                    .into(),
            ));
        }
        // A lone word would be a target, and nothing else would be logged.
        let words = self.log.filter.split(',').map(str::trim);
        let mut words = words.filter(|word| word.chars().all(char::is_alphanumeric));
        let odd = words.find(|word| word.parse::<LevelFilter>().is_err() && !PARTS.contains(word));
        let unfinished = || {
            let mut parts = self.log.filter.split(',').map(str::trim);
            parts.find(|part| part.ends_with('='))
        };
        if let Some(odd) = odd.or_else(unfinished) {
            return Err(ConfigError(format!(
                "log.filter = {odd:?} names no level: off, error, warn, info, debug or trace. For a part of the \
                 program write \"duet=debug\"."
            )));
        }
        Ok(())
    }

    /// Each server of the store has chats of its own.
    fn check_servers(&self) -> Result<(), ConfigError> {
        let StoreUrl::Shards(urls) = &self.store.url else {
            return Ok(());
        };
        let mut places: Vec<String> = urls.iter().map(PostgresUrl::location).collect();
        places.sort_unstable();
        match places.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(ConfigError(format!(
                "store.urls names {} twice. Leave one of them out.",
                pair[0]
            ))),
        }
    }

    /// Two sockets with one address: the operating system would blame another program.
    fn check_addresses(&self) -> Result<(), ConfigError> {
        let server = &self.server;
        let binds = [
            ("server.bind", Some(server.bind)),
            ("server.api_bind", server.api_bind),
            ("server.ops_bind", server.ops_bind),
        ];
        for (index, (name, bind)) in binds.iter().enumerate() {
            for (other_name, other) in &binds[..index] {
                if let (Some(bind), Some(other)) = (bind, other)
                    && overlap(*bind, *other)
                {
                    return Err(ConfigError(format!(
                        "{name} = \"{bind}\" is an address of {other_name} = \"{other}\". Choose another port, \
                         or \"\" to be reached at the address of server.bind."
                    )));
                }
            }
        }
        Ok(())
    }

    /// Refuses plain HTTP beyond this machine unless it is intended: tokens and texts must not cross a network in clear
    /// text by accident. And behind a proxy that is not in `trusted_proxies` all clients would count as one address, which
    /// may even be exempt from the limits.
    fn check_plain_http(&self) -> Result<(), ConfigError> {
        let server = &self.server;
        // Health and metrics are not secret, so `ops_bind` does not matter.
        let listens_beyond = are_public([Some(server.bind), server.api_bind]);
        let is_reached_beyond = server.public_url.as_ref().is_some_and(|url| !is_local(url));
        let meant = server.allow_plain_http
            || server.tls_cert.is_some()
            || !server.trusted_proxies.is_empty();
        match (listens_beyond || is_reached_beyond) && !meant {
            true => Err(ConfigError(
                "duet would be reached over plain HTTP from beyond this machine. Name the proxies \
                 that end TLS before it in server.trusted_proxies, set server.tls_cert and \
                 server.tls_key, or set \
                 server.allow_plain_http = true if that is meant."
                    .into(),
            )),
            false => Ok(()),
        }
    }
}

/// Whether any of the addresses is reached from beyond this machine.
fn are_public(binds: impl IntoIterator<Item = Option<SocketAddr>>) -> bool {
    let mut binds = binds.into_iter().flatten();
    binds.any(|bind| !bind.ip().is_loopback())
}

/// Whether what comes to one of two addresses may be for the other. Every IPv6 address takes IPv4 as well.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |all: SocketAddr, one: SocketAddr| {
        all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4())
    };
    one.port() == other.port()
        && one.port() != 0
        && (one.ip() == other.ip() || covers(one, other) || covers(other, one))
}
