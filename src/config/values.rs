//! Parses addresses and networks, leniently.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};

/// An address and a port to listen on.
pub(super) fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_bind(text.trim()).ok_or_else(|| D::Error::custom("no address and port"))
}

/// The same; a blank value means `None`.
pub(super) fn own_bind<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Ok(None),
        text => parse_bind(text)
            .map(Some)
            .ok_or_else(|| D::Error::custom("no address and port")),
    }
}

fn parse_bind(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (host, port) = text.rsplit_once(':')?;
    let ip = match host {
        "" | "*" => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port.parse().ok()?))
}

/// Networks; a single address counts as one.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: String| {
        let text = text.trim();
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse()
            .or_else(|_| address())
            .map_err(D::Error::custom)
    };
    texts.into_iter().map(network).collect()
}

/// Any other value; a blank one means `None`.
pub(super) fn blank_is_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_leniently() {
        for (text, address) in [
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("[::1]:80", Some("[::1]:80")),
            ("localhost:80", Some("127.0.0.1:80")),
            (":80", Some("0.0.0.0:80")),
            ("*:80", Some("0.0.0.0:80")),
            ("127.0.0.1", None),
            ("80", None),
            (":99999", None),
            ("chat.example.org:80", None),
        ] {
            let address = address.map(|address| address.parse().unwrap());
            assert_eq!(parse_bind(text), address, "{text}");
        }
    }
}
