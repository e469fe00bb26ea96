//! PostgreSQL URLs, parsed as libpq does.

use std::{fmt, path::PathBuf, time::Duration};

use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};
use url::form_urlencoded;

use crate::{tls::Check, words::host_and_port};

/// TCP keep-alives, so that a dead connection is noticed in seconds and not hours. A URL can override them.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVES_RETRIES: u32 = 3;
/// The same for a connection with unconfirmed data, which keep-alives do not probe.
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Options of libpq that are not supported. Errors name only these, because anything else may be a part of the
/// password.
const UNSUPPORTED: [&str; 19] = [
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "krbsrvname",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslpassword",
    "sslsni",
];

/// A PostgreSQL URL: servers, login, database and how TLS certificates are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// The configuration of each server. Only one that accepts writes is used.
    pub servers: Vec<Config>,
    /// How the server's certificate is checked.
    pub check: Check,
    /// A file with trusted certificate authorities, instead of the system's.
    pub issuers: Option<PathBuf>,
}

impl PostgresUrl {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?sslmode=…&sslrootcert=…`.
    ///
    /// # Errors
    /// The end of a sentence, which says what is wrong.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (_, places) = address.split_once("://").unwrap_or(("", address));
        if ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| places.contains(scheme))
        {
            return Err("it holds several URLs, which belong in store.urls, each by itself".into());
        }
        // The rest of a password would be taken for the server's name, and shown.
        if places.matches('@').count() > 1 {
            return Err(UNREADABLE.into());
        }
        let mut sslmode = None;
        let mut issuers = None;
        let mut rest = form_urlencoded::Serializer::new(String::new());
        let (mut keepalives, mut user_timeout) = (false, USER_TIMEOUT);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => sslmode = Some(value.into_owned()),
                // libpq's value for the system's authorities, which is the default here.
                "sslrootcert" if value == "system" => {}
                // Options with no effect here.
                "gssencmode" if matches!(&*value, "disable" | "prefer") => {}
                "client_encoding" if value.eq_ignore_ascii_case("utf8") => {}
                name if UNSUPPORTED.contains(&name) => {
                    return Err(format!("its option {name} is not supported; leave it out"));
                }
                // tokio-postgres takes it for seconds.
                "tcp_user_timeout" => {
                    let number = value.parse().map(Duration::from_millis);
                    let expected = "its tcp_user_timeout must be a number of milliseconds";
                    user_timeout = number.map_err(|_| expected)?;
                }
                "sslrootcert" => issuers = Some(PathBuf::from(value.into_owned())),
                _ => {
                    keepalives |= name.starts_with("keepalives");
                    rest.append_pair(&name, &value);
                }
            }
        }
        let (mode, check) = mode_and_check(sslmode.as_deref(), issuers.is_some())?;
        // tokio-postgres does not decode `+` as a space.
        let query = rest.finish().replace('+', "%20");
        let servers = each_server(address)
            .map(|address| {
                let mut config: Config = format!("{address}?{query}").parse().map_err(wrong)?;
                if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
                    return Err(
                        "it names no server, as in postgres://USER:PASSWORD@HOST/DATABASE".into(),
                    );
                }
                // No TLS over a Unix socket, like libpq.
                let on_this_machine = config
                    .get_hosts()
                    .iter()
                    .any(|host| matches!(host, Host::Unix(_)));
                config
                    .application_name("duet")
                    .ssl_mode(if on_this_machine {
                        SslMode::Disable
                    } else {
                        mode
                    })
                    .target_session_attrs(TargetSessionAttrs::ReadWrite)
                    .tcp_user_timeout(user_timeout);
                if !keepalives {
                    config
                        .keepalives_idle(KEEPALIVES_IDLE)
                        .keepalives_interval(KEEPALIVES_INTERVAL)
                        .keepalives_retries(KEEPALIVES_RETRIES);
                }
                Ok(config)
            })
            .collect::<Result<_, String>>()?;
        Ok(Self {
            servers,
            check,
            issuers,
        })
    }
}

/// One URL for each of the comma-separated servers.
fn each_server(address: &str) -> impl Iterator<Item = String> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let (who, rest) = match rest.split_once('@') {
        Some((who, rest)) => (format!("{who}@"), rest),
        None => (String::new(), rest),
    };
    let (servers, database) = rest.split_once('/').unwrap_or((rest, ""));
    servers
        .split(',')
        .map(move |server| format!("{scheme}://{who}{server}/{database}"))
}

/// A fixed message, because the parser's may quote a part of the password.
const UNREADABLE: &str = "it is no address of a PostgreSQL server: it must be like \
                          postgres://USER:PASSWORD@HOST/DATABASE, with options that libpq knows, \
                          and with what is special in the password percent-encoded";

fn wrong(_: tokio_postgres::Error) -> String {
    UNREADABLE.into()
}

/// Maps sslmode like libpq: with a root certificate the issuer is always checked.
fn mode_and_check(sslmode: Option<&str>, issuers: bool) -> Result<(SslMode, Check), String> {
    let named = match issuers {
        true => Check::Issuer,
        false => Check::Nothing,
    };
    match sslmode.unwrap_or("prefer") {
        "disable" => Ok((SslMode::Disable, Check::Nothing)),
        "prefer" => Ok((SslMode::Prefer, named)),
        "require" => Ok((SslMode::Require, named)),
        "verify-ca" => Ok((SslMode::Require, Check::Issuer)),
        "verify-full" => Ok((SslMode::Require, Check::Name)),
        _ => Err("its sslmode must be disable, prefer, require, verify-ca or verify-full".into()),
    }
}

/// Without a password.
impl PostgresUrl {
    /// The first server and the database, like `one:5432/duet`, to tell the servers of a sharded store apart.
    pub fn location(&self) -> String {
        let Some(server) = self.servers.first() else {
            return "nowhere".into();
        };
        let host = match server.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".into(),
        };
        let port = server.get_ports().first().copied().unwrap_or(5432);
        let name = server.get_dbname().or(server.get_user());
        format!(
            "{}/{}",
            host_and_port(&host, port),
            name.unwrap_or_default()
        )
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.servers.first();
        let name = first.and_then(|server| server.get_dbname().or(server.get_user()));
        write!(
            f,
            "the PostgreSQL database {}",
            name.unwrap_or("of the server")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> PostgresUrl {
        PostgresUrl::parse(url).unwrap()
    }

    #[test]
    fn each_sslmode_means_what_it_means_to_libpq() {
        for (query, mode, check) in [
            ("", SslMode::Prefer, Check::Nothing),
            ("?sslmode=disable", SslMode::Disable, Check::Nothing),
            ("?sslmode=prefer", SslMode::Prefer, Check::Nothing),
            ("?sslmode=require", SslMode::Require, Check::Nothing),
            ("?sslmode=verify-ca", SslMode::Require, Check::Issuer),
            ("?sslmode=verify-full", SslMode::Require, Check::Name),
            (
                "?sslmode=require&sslrootcert=/ca.pem",
                SslMode::Require,
                Check::Issuer,
            ),
            (
                "?sslrootcert=system&sslmode=verify-full",
                SslMode::Require,
                Check::Name,
            ),
        ] {
            let url = parsed(&format!("postgres://duet:secret@db/duet{query}"));
            let found = (url.servers[0].get_ssl_mode(), url.check);
            assert_eq!(found, (mode, check), "{query}");
        }
        let url = parsed("postgres://db/duet?sslrootcert=%2Fetc%2Four%20ca.pem");
        assert_eq!(url.issuers, Some("/etc/our ca.pem".into()));
        assert!(PostgresUrl::parse("postgres://db/duet?sslmode=allow").is_err());
    }

    #[test]
    fn other_parts_of_a_url_are_kept() {
        let query =
            "sslmode=require&options=-c%20work_mem%3D8MB&keepalives_idle=60&tcp_user_timeout=3000";
        let url = parsed(&format!("postgres://duet:p%40ss@one:5433,two/duet?{query}"));
        for (server, name, port) in [(0, "one", 5433), (1, "two", 5432)] {
            let config = &url.servers[server];
            assert_eq!(config.get_hosts(), [Host::Tcp(name.into())]);
            assert_eq!(config.get_ports(), [port]);
            assert_eq!(config.get_password(), Some(&b"p@ss"[..]));
            assert_eq!(config.get_options(), Some("-c work_mem=8MB"));
            assert_eq!(config.get_keepalives_idle(), Duration::from_secs(60));
            let user_timeout = config.get_tcp_user_timeout().copied();
            assert_eq!(user_timeout, Some(Duration::from_millis(3_000)));
        }
        assert_eq!(url.to_string(), "the PostgreSQL database duet");
    }
}
