//! Recognises services other than Redis at an address, which retrying cannot turn into Redis.

use std::{io, sync::Arc};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::server::{Address, DEADLINE};
use crate::tls::{self, Check};

/// Names the service and the next step; `None` where retrying may help.
pub(super) async fn other_service(address: &Address, wants_tls: bool) -> Option<String> {
    if is_postgres(address).await {
        return Some(format!(
            "PostgreSQL answers at {address}, not Redis. Check bus.url"
        ));
    }
    match wants_tls {
        true if speaks_plainly(address).await => Some(format!(
            "Redis answers at {address} without TLS. Write redis:// in bus.url in place of rediss://, or the port \
             that it has for TLS"
        )),
        false if speaks_tls(address).await => Some(format!(
            "What answers at {address} speaks TLS alone. Write rediss:// in bus.url in place of redis://"
        )),
        _ => None,
    }
}

/// PostgreSQL closes the connection on input that it does not understand, as a server that stops does too,
/// but it answers a TLS request with one letter.
async fn is_postgres(address: &Address) -> bool {
    const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    matches!(ask(address, &ASK_FOR_TLS).await, Some(b'S' | b'N'))
}

/// Redis without TLS answers a command, or refuses it, in a line that begins so.
async fn speaks_plainly(address: &Address) -> bool {
    matches!(ask(address, b"PING\r\n").await, Some(b'+' | b'-'))
}

/// The first byte of a response.
async fn ask(address: &Address, question: &[u8]) -> Option<u8> {
    let ask = async {
        let mut socket = connect(address).await?;
        socket.write_all(question).await?;
        socket.read_u8().await
    };
    timeout(DEADLINE, ask).await.ok()?.ok()
}

async fn speaks_tls(address: &Address) -> bool {
    let (Ok(config), Ok(name)) = (
        tls::client(Check::Nothing, None),
        ServerName::try_from(address.host.clone()),
    ) else {
        return false;
    };
    let shake_hands = async {
        let socket = connect(address).await?;
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, socket).await.map(drop)
    };
    match timeout(DEADLINE, shake_hands).await {
        Ok(Ok(())) => true,
        // For example, it requires a client certificate.
        Ok(Err(error)) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .is_some_and(|error| matches!(error, rustls::Error::AlertReceived(_))),
        Err(_) => false,
    }
}

async fn connect(address: &Address) -> io::Result<TcpStream> {
    TcpStream::connect((address.host.as_str(), address.port)).await
}
