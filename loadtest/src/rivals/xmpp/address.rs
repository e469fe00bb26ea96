//! Where an XMPP server is.

use std::fmt;

use super::XmppError;

/// `xmpp://host:port/domain`, over TCP without TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// `host:port`.
    pub(super) authority: String,
    /// What stands behind the @ of everybody there; the host unless it is given.
    pub(super) domain: String,
}

const SCHEME: &str = "xmpp://";
/// Where clients of XMPP connect unless told otherwise.
const PORT: u16 = 5222;

impl Address {
    /// Whether this URL is one of an XMPP server.
    pub fn is_meant_by(url: &str) -> bool {
        url.starts_with(SCHEME)
    }

    /// Reads `xmpp://host[:port][/domain]`.
    ///
    /// # Errors
    /// When it is no such address.
    pub fn read(url: &str) -> Result<Self, XmppError> {
        let wrong = || XmppError::Address(url.to_owned());
        let rest = url.strip_prefix(SCHEME).ok_or_else(wrong)?;
        let (authority, domain) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (authority, PORT),
        };
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            authority: format!("{host}:{port}"),
            domain: if domain.is_empty() { host } else { domain }.to_owned(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.authority, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_a_port_and_a_domain() {
        for (url, authority, domain) in [
            (
                "xmpp://127.0.0.1:5300/localhost",
                "127.0.0.1:5300",
                "localhost",
            ),
            ("xmpp://example.org", "example.org:5222", "example.org"),
            ("xmpp://example.org:1/", "example.org:1", "example.org"),
        ] {
            let address = Address::read(url).unwrap();
            assert_eq!(
                (address.authority.as_str(), address.domain.as_str()),
                (authority, domain),
                "{url}"
            );
        }
        for wrong in [
            "http://example.org",
            "xmpp://",
            "xmpp://:5222",
            "xmpp://a:b",
        ] {
            assert!(Address::read(wrong).is_err(), "{wrong}");
        }
    }
}
