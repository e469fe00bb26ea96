//! How a connection comes about: to the first of the servers that can be written to.

use std::{error::Error, fmt, time::Duration};

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
    errors::{CHECK_URL, explain},
    session::Session,
};

use crate::{config::PostgresUrl, store::OpenError, tls};

type Manager = PostgresConnectionManager<MakeRustlsConnect>;

/// How long a server of another kind may take to show itself as one, and to speak before it is asked.
const PROBE_DEADLINE: Duration = Duration::from_secs(1);
const GREETING_DEADLINE: Duration = Duration::from_millis(300);

/// The servers that a URL names, of which one can be written to.
pub(super) struct Servers {
    managers: Vec<(Config, Manager)>,
    deadline: Duration,
    session: Session,
}

/// Why there is no connection, and what to do.
#[derive(Debug)]
pub(super) struct NoConnection {
    what: String,
    next_step: &'static str,
    /// Whether it may come right by itself.
    pub(super) is_passing: bool,
}

impl NoConnection {
    /// What stays wrong until somebody does something about it.
    pub(super) fn wrong(what: String, next_step: &'static str) -> Self {
        Self {
            what,
            next_step,
            is_passing: false,
        }
    }

    /// What is worth waiting for.
    pub(super) fn passing(what: String, next_step: &'static str) -> Self {
        Self {
            what,
            next_step,
            is_passing: true,
        }
    }

    /// A pooler gives each transaction another session.
    pub(super) fn shared_session() -> Self {
        Self::wrong(
            "store.url leads to a pooler that shares the server's sessions among its clients \
             (PgBouncer with pool_mode = transaction or statement), where parameters, locks and \
             prepared statements are lost"
                .into(),
            "Let it use pool_mode = session for this database, or connect to PostgreSQL directly.",
        )
    }
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.what, self.next_step)
    }
}

impl Error for NoConnection {}

impl Servers {
    /// Reads the certificates to trust. A connection has until `deadline` to come about, and begins
    /// as `session` says.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the certificates.
    pub(super) fn new(
        url: &PostgresUrl,
        deadline: Duration,
        session: Session,
    ) -> Result<Self, OpenError> {
        let tls = tls::client(url.check, url.issuers.as_deref()).map_err(|error| {
            OpenError::wrong(format!("{error}. Check sslrootcert in store.url."))
        })?;
        let tls = MakeRustlsConnect::new(tls);
        let manager = |config: &Config| (config.clone(), Manager::new(config.clone(), tls.clone()));
        Ok(Self {
            managers: url.servers.iter().map(manager).collect(),
            deadline,
            session,
        })
    }

    /// Asks all at once, so that none of them can hold up the others, and takes the first that can
    /// be written to.
    pub(super) async fn connect(&self) -> Result<Client, NoConnection> {
        let attempts = self
            .managers
            .iter()
            .map(|(config, manager)| Box::pin(self.attempt(config, manager)));
        let (client, _) = select_ok(attempts).await?;
        Ok(client)
    }

    async fn attempt(&self, config: &Config, manager: &Manager) -> Result<Client, NoConnection> {
        let connect = async {
            let client = manager.connect().await.map_err(|error| explain(&error))?;
            let options = config.get_options().unwrap_or_default();
            self.session.begin(&client, options).await?;
            Ok(client)
        };
        match timeout(self.deadline, connect).await {
            Ok(connected) => connected,
            Err(_) => Err(NoConnection::passing(
                "the server does not answer".into(),
                CHECK_URL,
            )),
        }
    }
}

/// Whether something else listens where PostgreSQL should. PostgreSQL never speaks first, and Redis waits
/// for a line's end, which no first words to PostgreSQL have, so it has to be asked.
pub(super) async fn stranger(url: &PostgresUrl) -> Option<NoConnection> {
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
            // A packet of some length, the first one, of protocol 10.
            [_, _, 0, 0, 10] if speaks_first => "a MySQL or MariaDB server",
            _ if speaks_first => "a server that speaks first",
            // An alert about what is no TLS.
            [0x15, 3, ..] => "a server that speaks TLS alone, as for HTTPS,",
            _ => continue,
        };
        let what = format!("{what} answers at {host}:{port}, not PostgreSQL");
        return Some(NoConnection::wrong(what, CHECK_URL));
    }
    None
}
