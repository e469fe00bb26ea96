//! Opens connections to the first of several servers that is writable.

use std::time::Duration;

use bb8::ManageConnection;
use bb8_postgres::PostgresConnectionManager;
use futures_util::future::select_ok;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_postgres::{Client, Config, config::Host};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    errors::{CHECK_URL, no_answer, wrong},
    session::Session,
};
use crate::{config::PostgresUrl, store::OpenError, tls, words::host_and_port};

type Manager = PostgresConnectionManager<MakeRustlsConnect>;

/// How long to wait for bytes that reveal a service other than PostgreSQL, before and after it is asked.
const PROBE_DEADLINE: Duration = Duration::from_secs(1);
const GREETING_DEADLINE: Duration = Duration::from_millis(300);

/// The servers that a URL names; one of them is the primary.
pub(super) struct Servers {
    managers: Vec<(Config, Manager)>,
    deadline: Duration,
    session: Session,
}

impl Servers {
    /// Reads the trusted certificates. Connecting is given up after `deadline`; new sessions get the
    /// parameters in `session`.
    ///
    /// # Errors
    /// [`OpenError`] if the certificates cannot be read.
    pub(super) fn new(
        url: &PostgresUrl,
        deadline: Duration,
        session: Session,
    ) -> Result<Self, OpenError> {
        let tls = tls::client(url.check, url.issuers.as_deref()).map_err(|error| {
            OpenError::wrong(format!(
                "{error}. Check sslrootcert in store.url or store.urls."
            ))
        })?;
        let tls = MakeRustlsConnect::new(tls);
        let manager = |config: &Config| (config.clone(), Manager::new(config.clone(), tls.clone()));
        Ok(Self {
            managers: url.servers.iter().map(manager).collect(),
            deadline,
            session,
        })
    }

    /// Connects to all servers at once, so that a hanging one delays nobody, and returns the first that is
    /// writable, with what tells it apart from others.
    pub(super) async fn connect(&self) -> Result<(Client, String), OpenError> {
        let attempts = self
            .managers
            .iter()
            .map(|(config, manager)| Box::pin(self.attempt(config, manager)));
        let (connected, _) = select_ok(attempts).await?;
        Ok(connected)
    }

    async fn attempt(
        &self,
        config: &Config,
        manager: &Manager,
    ) -> Result<(Client, String), OpenError> {
        let connect = async {
            let client = manager.connect().await?;
            let options = config.get_options().unwrap_or_default();
            let server = self.session.begin(&client, options).await?;
            Ok((client, server))
        };
        match timeout(self.deadline, connect).await {
            Ok(connected) => connected,
            Err(_) => Err(no_answer()),
        }
    }
}

/// Names another service that listens on the port. PostgreSQL never speaks first; Redis waits for an end of
/// line, which a PostgreSQL startup packet lacks, so it is sent one.
pub(super) async fn other_service(url: &PostgresUrl) -> Option<OpenError> {
    for config in &url.servers {
        let (Some(Host::Tcp(host)), Some(port)) =
            (config.get_hosts().first(), config.get_ports().first())
        else {
            continue;
        };
        let ask = async {
            let mut socket = TcpStream::connect((host.as_str(), *port)).await?;
            let mut answer = [0; 5];
            let greeting = timeout(GREETING_DEADLINE, socket.read_exact(&mut answer)).await;
            let speaks_first = matches!(greeting, Ok(Ok(_)));
            if !speaks_first {
                socket.write_all(b"PING\r\n").await?;
                socket.read_exact(&mut answer).await?;
            }
            std::io::Result::Ok((speaks_first, answer))
        };
        let Ok(Ok((speaks_first, answer))) = timeout(PROBE_DEADLINE, ask).await else {
            continue;
        };
        let what = match &answer {
            b"HTTP/" => "an HTTP server",
            b"+PONG" | b"-NOAU" => "a Redis server",
            b"SSH-2" => "an SSH server",
            // A MySQL greeting: a packet length, sequence number 0, protocol 10.
            [_, _, 0, 0, 10] if speaks_first => "a MySQL or MariaDB server",
            _ if speaks_first => "a server that speaks first",
            // A TLS alert: the peer expected a TLS handshake.
            [0x15, 3, ..] => "a server that speaks TLS alone, as for HTTPS,",
            _ => continue,
        };
        let place = host_and_port(host, *port);
        let what = format!("{what} answers at {place}, not PostgreSQL");
        return Some(wrong(what, CHECK_URL));
    }
    None
}
