//! Where a server is: an address that was looked up once, and the words that go into every request's head.

use std::net::SocketAddr;

use tokio::net::lookup_host;

/// One instance of a server (or a balancer in front of several), by its plain-text HTTP address.
#[derive(Clone, Debug)]
pub struct Target {
    url: String,
    authority: String,
    prefix: String,
    /// All that the name stands for: `localhost` may be an IPv6 address first, where the server does not listen.
    addresses: Vec<SocketAddr>,
}

/// Why a URL cannot be driven.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The scheme is missing or is not `http`.
    #[error(
        "{0:?} is not an address this tool can drive: give http://host:port (TLS is not spoken here; name the instance behind the proxy)"
    )]
    Scheme(String),
    /// The name could not be looked up.
    #[error("{url} cannot be looked up: {source}")]
    Lookup {
        /// The URL as it was given.
        url: String,
        /// What the resolver said.
        source: std::io::Error,
    },
}

impl Target {
    /// Looks up `http://host[:port][/prefix]`; a prefix is put before every path.
    pub async fn resolve(url: &str) -> Result<Self, TargetError> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| TargetError::Scheme(url.to_owned()))?;
        let (authority, prefix) = match rest.find('/') {
            Some(slash) => (&rest[..slash], rest[slash..].trim_end_matches('/')),
            None => (rest, ""),
        };
        // A colon after the last bracket is a port; those inside the brackets belong to an IPv6 address.
        let has_port = authority
            .rsplit(']')
            .next()
            .is_some_and(|tail| tail.contains(':'));
        let dialled = if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let lookup = lookup_host(dialled).await;
        let addresses: Vec<_> = lookup
            .map_err(|source| TargetError::Lookup {
                url: url.to_owned(),
                source,
            })?
            .collect();
        Ok(Self {
            url: url.to_owned(),
            authority: authority.to_owned(),
            prefix: prefix.to_owned(),
            addresses,
        })
    }

    /// The URL as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// Makes a name safe to stand as one segment of a path.
pub(crate) fn path_segment(name: &str) -> String {
    use std::fmt::Write;
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            write!(segment, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_is_split_into_authority_and_prefix() {
        let target = Target::resolve("http://127.0.0.1:8080/duet/")
            .await
            .unwrap();
        assert_eq!(target.addresses(), ["127.0.0.1:8080".parse().unwrap()]);
        assert_eq!(
            (target.authority(), target.prefix()),
            ("127.0.0.1:8080", "/duet")
        );
    }

    #[tokio::test]
    async fn the_port_is_80_unless_given() {
        assert_eq!(
            Target::resolve("http://127.0.0.2")
                .await
                .unwrap()
                .addresses()[0]
                .port(),
            80
        );
        assert_eq!(
            Target::resolve("http://[::1]").await.unwrap().addresses()[0].port(),
            80
        );
        assert_eq!(
            Target::resolve("http://[::1]:81/")
                .await
                .unwrap()
                .addresses()[0]
                .port(),
            81
        );
    }

    #[tokio::test]
    async fn tls_and_bare_hosts_are_refused_with_a_reason() {
        for url in ["https://127.0.0.1", "127.0.0.1:8080", ""] {
            assert!(
                matches!(Target::resolve(url).await, Err(TargetError::Scheme(_))),
                "{url}"
            );
        }
    }

    #[test]
    fn a_path_segment_keeps_only_unreserved_characters() {
        assert_eq!(path_segment("Zoë 1/2"), "Zo%C3%AB%201%2F2");
    }
}
