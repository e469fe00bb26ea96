use std::{fmt, str::FromStr};

use redis::{ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};

/// Redis servers, as their address names them.
#[derive(Clone)]
pub struct RedisUrl {
    /// Whether they are a cluster, of which any part is named.
    pub cluster: bool,
    /// Whether to speak TLS to them.
    pub tls: bool,
    /// Where they listen, by host and port; never empty.
    pub nodes: Vec<(String, u16)>,
    /// User, password and database.
    pub login: RedisConnectionInfo,
}

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let wrong = || {
            "it must be \"local\", redis://USER:PASSWORD@HOST:PORT, or \
             redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT; with TLS rediss:// and \
             rediss+cluster://"
                .to_owned()
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (tls, cluster) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis+cluster" => (false, true),
            "rediss+cluster" => (true, true),
            _ => return Err(wrong()),
        };
        let (user, hosts) = match rest.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), rest),
        };
        let hosts: Vec<&str> = match cluster {
            true => hosts.trim_end_matches('/').split(',').collect(),
            false => vec![hosts],
        };
        let mut nodes = Vec::with_capacity(hosts.len());
        let mut login = RedisConnectionInfo::default();
        for host in hosts {
            let one = format!("redis://{user}{host}").into_connection_info();
            let one = one.map_err(|error| format!("{}: {error}", wrong()))?;
            let ConnectionAddr::Tcp(host, port) = one.addr() else {
                return Err(wrong());
            };
            nodes.push((host.clone(), *port));
            login = one.redis_settings().clone();
        }
        Ok(Self {
            cluster,
            tls,
            nodes,
            // Pushes come beside answers there; and the library need not introduce itself.
            login: login
                .set_protocol(ProtocolVersion::RESP3)
                .set_skip_set_lib_name(),
        })
    }
}

/// Without a password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = &self.nodes[0];
        match self.cluster {
            true => write!(f, "the Redis cluster at {host}:{port}"),
            false => write!(f, "the Redis server at {host}:{port}"),
        }
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
    fn other_addresses_are_refused() {
        for wrong in [
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
