use std::{fmt, str::FromStr};

use redis::{ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};

use crate::words::host_and_port;

/// A Redis URL: servers, login and mode.
#[derive(Clone)]
pub struct RedisUrl {
    /// Whether they are a cluster, of which the URL names some nodes.
    pub cluster: bool,
    /// Whether to use TLS.
    pub tls: bool,
    /// Hosts and ports; never empty.
    pub nodes: Vec<(String, u16)>,
    /// User, password and database.
    pub login: RedisConnectionInfo,
    /// Set if the named servers are sentinels.
    pub sentinel: Option<Sentinel>,
}

/// How to ask sentinels.
#[derive(Clone)]
pub struct Sentinel {
    /// The name of the master.
    pub master: String,
    /// User and password for the sentinels themselves.
    pub login: RedisConnectionInfo,
}

/// The default port of sentinels.
const SENTINEL_PORT: u16 = 26_379;

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let wrong = || {
            "it must be \"local\", redis://USER:PASSWORD@HOST:PORT, or \
             redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT, or \
             redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/MASTER/DATABASE; with TLS rediss://, \
             rediss+cluster:// and rediss+sentinel://"
                .to_owned()
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (protocol, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match protocol {
            "redis" => false,
            "rediss" => true,
            _ => return Err(wrong()),
        };
        let (cluster, by_sentinel) = match kind {
            "" => (false, false),
            "cluster" => (true, false),
            "sentinel" => (false, true),
            _ => return Err(wrong()),
        };
        let (user, hosts) = match rest.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), rest),
        };
        if !by_sentinel && hosts.contains(['?', '#']) {
            return Err(format!("{}: it takes no options", wrong()));
        }
        let (hosts, master) = match by_sentinel {
            true => hosts.split_once('/').ok_or_else(wrong)?,
            false => (hosts, ""),
        };
        let hosts: Vec<&str> = match cluster || by_sentinel {
            true => hosts.trim_end_matches('/').split(',').collect(),
            false => vec![hosts],
        };
        let mut nodes = Vec::with_capacity(hosts.len());
        let mut login = RedisConnectionInfo::default();
        for host in hosts {
            let one = format!("redis://{user}{host}").into_connection_info();
            let one = one.map_err(|error| format!("{}: {error}", wrong()))?;
            let ConnectionAddr::Tcp(name, port) = one.addr() else {
                return Err(wrong());
            };
            let names_port = url_names_port(host);
            let port = if by_sentinel && !names_port {
                SENTINEL_PORT
            } else {
                *port
            };
            nodes.push((name.clone(), port));
            login = one.redis_settings().clone();
        }
        // RESP3 for pushes on a multiplexed connection; CLIENT SETINFO may not be permitted to the user.
        let greet = |login: RedisConnectionInfo| {
            let login = login.set_protocol(ProtocolVersion::RESP3);
            login.set_skip_set_lib_name()
        };
        let mut sentinel = None;
        if by_sentinel {
            let (path, query) = master.split_once('?').unwrap_or((master, ""));
            let (name, database) = path.split_once('/').unwrap_or((path, "0"));
            let database = database.parse().map_err(|_| wrong())?;
            login = login.set_db(database);
            let mut own = RedisConnectionInfo::default();
            for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
                own = match &*key {
                    "sentinel_user" => own.set_username(value),
                    "sentinel_password" => own.set_password(value),
                    _ => return Err(wrong()),
                };
            }
            if name.is_empty() {
                return Err(wrong());
            }
            sentinel = Some(Sentinel {
                master: name.into(),
                login: greet(own),
            });
        }
        if login.db() < 0 || cluster && login.db() > 0 {
            let why = "databases are counted from 0, and a cluster has that one alone";
            return Err(format!("{}: {why}", wrong()));
        }
        Ok(Self {
            cluster,
            tls,
            nodes,
            login: greet(login),
            sentinel,
        })
    }
}

/// Whether a host is written with its port.
fn url_names_port(host: &str) -> bool {
    let behind_brackets = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    behind_brackets.contains(':')
}

/// Without a password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = &self.nodes[0];
        match &self.sentinel {
            Some(Sentinel { master, .. }) => {
                write!(f, "the Redis master {master} of the sentinel")?
            }
            None if self.cluster => f.write_str("the Redis cluster")?,
            None => f.write_str("the Redis server")?,
        }
        write!(f, " at {}", host_and_port(host, *port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_and_many_are_read_with_user_and_password() {
        let one: RedisUrl = "redis://duet:p%40ss@example.org/2".parse().unwrap();
        assert_eq!(one.nodes, [("example.org".into(), 6379)]);
        assert_eq!((one.cluster, one.tls, one.login.db()), (false, false, 2));
        let many: RedisUrl = "rediss+cluster://duet:p%40ss@a:1,b:2,[::1]:3"
            .parse()
            .unwrap();
        assert_eq!(
            many.nodes,
            [("a".into(), 1), ("b".into(), 2), ("::1".into(), 3)]
        );
        assert!(many.cluster && many.tls);
        for url in [one, many] {
            assert_eq!(url.login.username(), Some("duet"));
            assert_eq!(url.login.password(), Some("p@ss"));
            assert!(!url.to_string().contains("p@ss"));
        }
    }

    #[test]
    fn sentinels_are_read_with_the_name_of_their_master() {
        let url = "rediss+sentinel://duet:p%40ss@a,[::1]:5/main/3?sentinel_password=s%40cret";
        let url: RedisUrl = url.parse().unwrap();
        assert_eq!(url.nodes, [("a".into(), 26_379), ("::1".into(), 5)]);
        assert_eq!((url.tls, url.login.db()), (true, 3));
        assert_eq!(url.login.password(), Some("p@ss"));
        let sentinel = url.sentinel.as_ref().unwrap();
        assert_eq!(sentinel.master, "main");
        assert_eq!(sentinel.login.password(), Some("s@cret"));
        assert!(!url.to_string().contains('@'));
    }

    #[test]
    fn other_addresses_are_refused() {
        for wrong in [
            "redis+sentinel://a",
            "redis+sentinel://a/",
            "redis+sentinel://a/main/x",
            "redis+sentinel://a/main?password=x",
            "redis+other://a",
            "redis",
            "http://a",
            "redis://",
            "redis+cluster://a,,b",
            "redis://a:99999",
        ] {
            assert!(wrong.parse::<RedisUrl>().is_err(), "{wrong}");
        }
    }
}
