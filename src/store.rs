//! What lasts.

mod metered;
mod postgres;
mod sqlite;

use std::{fmt, path::Path, sync::Arc};

use actors::ports::{Clock, Store};
use prometheus::Registry;

use crate::config::{self, StoreUrl};

use metered::Metered;
pub use postgres::{DatabaseLock, PostgresStore};
pub use sqlite::{FileLock, SqliteStore};

/// The store cannot be opened: one sentence that names it and says what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

impl OpenError {
    fn file(path: &Path, error: &dyn fmt::Display) -> Self {
        Self(format!(
            "{} cannot be used: {error}. Check store.url and the permissions of its folder.",
            path.display()
        ))
    }
}

/// What keeps a second process from serving the same store with a bus of its own.
#[derive(Debug)]
pub enum ServingLock {
    /// Of a file.
    File(FileLock),
    /// Of a database.
    Database(DatabaseLock),
}

impl ServingLock {
    /// Ready when another process serves the store, which can come about when the connection to
    /// its server was lost for a while.
    pub async fn lost(&mut self) -> OpenError {
        match self {
            // The system keeps it as long as the process lives.
            ServingLock::File(_) => std::future::pending().await,
            ServingLock::Database(lock) => lock.lost().await,
        }
    }
}

/// Opens the store, makes what is missing, and migrates it. Its calls are counted on `registry`.
///
/// # Errors
/// [`OpenError`] names what is wrong.
pub async fn open(
    settings: &config::Store,
    clock: Arc<dyn Clock>,
    registry: &Registry,
) -> Result<Arc<dyn Store>, OpenError> {
    let store: Arc<dyn Store> = match &settings.url {
        StoreUrl::Sqlite(path) => Arc::new(SqliteStore::open(path, clock)?),
        StoreUrl::Postgres(url) => Arc::new(PostgresStore::open(url, settings, registry).await?),
    };
    Ok(Arc::new(Metered::new(store, registry)))
}

/// Makes sure that no other process serves this store without a bus between them.
///
/// # Errors
/// [`OpenError`] says who does.
pub async fn lock(url: &StoreUrl) -> Result<ServingLock, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(path) => ServingLock::File(FileLock::take(path)?),
        StoreUrl::Postgres(url) => ServingLock::Database(DatabaseLock::take(url).await?),
    })
}
