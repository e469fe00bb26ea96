//! Who has a port of this machine.

use std::{
    fs, mem,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use tokio::net::TcpSocket;

use super::StartError;

/// A port that the system gives to nobody else while this lives, so that a server which is killed and
/// started again finds it free. The socket is bound and never listens: whoever connects meanwhile is
/// refused, and a server may listen there all the same if it sets `SO_REUSEADDR`, as servers do.
#[derive(Debug)]
pub struct HeldPort {
    number: u16,
    _socket: TcpSocket,
}

impl HeldPort {
    /// Any port that is free.
    ///
    /// # Errors
    /// When the system has none.
    pub fn any() -> Result<Self, StartError> {
        let bind = || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            Ok((socket.local_addr()?.port(), socket))
        };
        let (number, socket) = bind().map_err(StartError::from_io("no port can be held"))?;
        Ok(Self {
            number,
            _socket: socket,
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// A port that was free, and that the system gives to nobody else until this process ends.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> Result<u16, StartError> {
    let held = HeldPort::any()?;
    let number = held.number();
    // Between here and the moment when a server listens there, any other process may ask for a port.
    mem::forget(held);
    Ok(number)
}

/// Makes sure that a port is free.
///
/// # Errors
/// [`StartError`] names the program that has it, as far as this user may know.
pub fn require_free(port: u16) -> Result<(), StartError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(StartError(match holder(port) {
            Some(holder) => {
                format!("port {port} is taken by {holder}: stop it, or choose another port")
            }
            None => format!("port {port} cannot be used: {error}"),
        })),
    }
}

fn holder(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| {
            table
                .lines()
                .filter_map(|line| listening(line, port))
                .collect::<Vec<_>>()
        })
        .collect();
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    for process in processes {
        // Beside the processes there are links like `self`.
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let files = fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten();
        let mut links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        if links.any(|link| {
            sockets
                .iter()
                .any(|socket| link.as_os_str() == socket.as_str())
        }) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", name.trim()));
        }
    }
    None
}

/// The socket of a line of the kernel's table, if it listens on this port.
fn listening(line: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [_, local, _, state, .., inode] = columns.get(..10)? else {
        return None;
    };
    let (_, own) = local.rsplit_once(':')?;
    let matches = *state == LISTEN && u16::from_str_radix(own, 16) == Ok(port);
    matches.then(|| format!("socket:[{inode}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_port_is_given_to_nobody_else_and_a_server_may_listen_there() {
        let held = HeldPort::any().unwrap();
        let others: Vec<TcpListener> = (0..500)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        let is_given = |other: &TcpListener| other.local_addr().unwrap().port() == held.number();
        assert!(!others.iter().any(is_given));
        for _ in 0..2 {
            let server = TcpListener::bind((Ipv4Addr::LOCALHOST, held.number())).unwrap();
            std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
        }
    }

    #[test]
    fn who_has_a_port_is_named() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let error = require_free(port).unwrap_err().to_string();
        let own = format!("(pid {})", std::process::id());
        assert!(
            error.contains(&own) && error.contains(&port.to_string()),
            "{error}"
        );
        drop(other);
        require_free(port).unwrap();
    }
}
