//! Asks an instance on this machine for its health, like a load balancer.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rustls::{ClientConnection, StreamOwned};

use crate::{
    config::Settings,
    tls::{self, Check},
};

/// A little longer than the instance may take to check itself.
const DEADLINE: Duration = Duration::from_secs(5);
/// No health response is longer.
const ANSWER_LEN_MAX: u64 = 4 * 1024 * 1024;

/// Requests a path from the operators' address, which speaks plain HTTP, or else from the pages' address,
/// with TLS if that is configured. Returns the body of a success.
pub(super) fn ask(settings: &Settings, path: &str) -> Result<String, String> {
    let server = &settings.server;
    let address = reachable(server.ops_bind.unwrap_or(server.bind));
    let by_tls = server.ops_bind.is_none() && server.tls_cert.is_some();
    let (tell, told) = mpsc::channel();
    let asked = path.to_owned();
    // On a thread that is left behind at the deadline: a server can be slow in any of the steps.
    thread::spawn(move || tell.send(get(address, by_tls, &asked)));
    let answer = told
        .recv_timeout(DEADLINE)
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| format!("{address} does not answer: {error}."))?;
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

fn get(address: SocketAddr, by_tls: bool, path: &str) -> io::Result<String> {
    let socket = TcpStream::connect(address)?;
    if !by_tls {
        return exchange(socket, path);
    }
    // The certificate is usually for the public name, not for loopback.
    let config = tls::client(Check::Nothing, None).map_err(io::Error::other)?;
    let name = address.ip().into();
    let session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    exchange(StreamOwned::new(session, socket), path)
}

fn exchange(mut socket: impl Read + Write, path: &str) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.take(ANSWER_LEN_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Replaces a wildcard address by loopback.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}
