//! The files with trusted certificate authorities. One that cannot be read is reported as a wrong setting,
//! before anything is opened.

use std::path::Path;

use super::{BusUrl, ConfigError, PostgresUrl, Settings, StoreUrl};
use crate::tls::{self, Check};

impl Settings {
    /// Reads the certificate authorities of the store and the bus.
    ///
    /// # Errors
    /// [`ConfigError`] names the file that is the problem.
    pub fn check_authorities(&self) -> Result<(), ConfigError> {
        self.check_authorities_of_store()?;
        match &self.bus.url {
            BusUrl::Redis(url) if url.tls => {
                check(Check::Name, self.bus.tls_ca.as_deref(), "bus.tls_ca")
            }
            BusUrl::Redis(_) | BusUrl::Local => Ok(()),
        }
    }

    /// The same for the store alone, for commands that use no bus.
    ///
    /// # Errors
    /// As [`check_authorities`](Self::check_authorities).
    pub fn check_authorities_of_store(&self) -> Result<(), ConfigError> {
        let of_server = |url: &PostgresUrl, key: &str| {
            let what = format!("sslrootcert in {key}");
            check(url.check, url.issuers.as_deref(), &what)
        };
        match &self.store.url {
            StoreUrl::Sqlite(_) => Ok(()),
            StoreUrl::Postgres(url) => of_server(url, "store.url"),
            StoreUrl::Shards(urls) => urls.iter().try_for_each(|url| of_server(url, "store.urls")),
        }
    }
}

fn check(check: Check, file: Option<&Path>, what: &str) -> Result<(), ConfigError> {
    if file.is_none() {
        return Ok(());
    }
    let client = tls::client(check, file).map(drop);
    client.map_err(|error| ConfigError(format!("{error}. Check {what}.")))
}
