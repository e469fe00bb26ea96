//! Asks an instance on this machine how it is, as a balancer would.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use crate::config::Settings;

/// A little longer than the instance itself may think about it.
const DEADLINE: Duration = Duration::from_secs(5);
/// More than is ever answered there.
const ANSWER_LEN_MAX: u64 = 4 * 1024 * 1024;

/// Asks at the address that is kept for operators, which speaks plain HTTP, or at the pages' one; the
/// body of the answer, where that is a success.
pub(super) fn ask(settings: &Settings, path: &str) -> Result<String, String> {
    let server = &settings.server;
    let address = reachable(server.ops_bind.unwrap_or(server.bind));
    if server.ops_bind.is_none() && server.tls_cert.is_some() {
        return Err(
            "duet health speaks plain HTTP: give health an address of its own with \
             server.ops_bind, like \"127.0.0.1:9090\"."
                .into(),
        );
    }
    let answer =
        get(address, path).map_err(|error| format!("{address} does not answer: {error}."))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some(status) => Err(format!(
            "{address}{path} answers {status}: {}.",
            body.trim()
        )),
        None => Err(format!("What answers at {address} is no HTTP server.")),
    }
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect_timeout(&address, DEADLINE)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.take(ANSWER_LEN_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Where one is reached who listens on every address.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}
