//! How a connection comes about: to the first of the servers that can be written to.

use std::{error::Error, fmt, time::Duration};

use bb8::ManageConnection;
use bb8_postgres::PostgresConnectionManager;
use futures_util::future::select_ok;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{config::PostgresUrl, store::OpenError, tls};

type Manager = PostgresConnectionManager<MakeRustlsConnect>;

/// The servers that a URL names, of which one can be written to.
pub(super) struct Servers {
    managers: Vec<Manager>,
    deadline: Duration,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct NoConnection(pub(super) String);

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NoConnection {}

impl Servers {
    /// Reads the certificates to trust. A connection has until `deadline` to come about, and its
    /// session gets `options`, unless those in the URL say otherwise.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the certificates.
    pub(super) fn new(
        url: &PostgresUrl,
        deadline: Duration,
        options: &str,
    ) -> Result<Self, OpenError> {
        let tls = tls::client(url.check, url.issuers.as_deref()).map_err(|error| {
            OpenError::wrong(format!("{error}. Check sslrootcert in store.url."))
        })?;
        let tls = MakeRustlsConnect::new(tls);
        let manager = |config: &Config| {
            let mut config = config.clone();
            let given = config.get_options().unwrap_or_default();
            config.options(format!("{options} {given}"));
            Manager::new(config, tls.clone())
        };
        Ok(Self {
            managers: url.servers.iter().map(manager).collect(),
            deadline,
        })
    }

    /// Asks all at once, so that none of them can hold up the others, and takes the first that can
    /// be written to.
    pub(super) async fn connect(&self) -> Result<Client, NoConnection> {
        let attempts = self
            .managers
            .iter()
            .map(|manager| Box::pin(self.attempt(manager)));
        let (client, _) = select_ok(attempts).await?;
        Ok(client)
    }

    async fn attempt(&self, manager: &Manager) -> Result<Client, NoConnection> {
        match tokio::time::timeout(self.deadline, manager.connect()).await {
            Ok(connected) => connected.map_err(|error| NoConnection(told(&error))),
            Err(_) => Err(NoConnection("the server does not answer".into())),
        }
    }
}

/// The innermost cause says what happened, the outer ones only where.
fn told(error: &tokio_postgres::Error) -> String {
    if let Some(refused) = error.as_db_error() {
        return refused.message().into();
    }
    if let Some(refusal) = tls::refusal(error) {
        return format!("{refusal} (sslrootcert in store.url names a file with whom to trust)");
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
