//! What lasts.

mod postgres;
mod sqlite;

use std::{fmt, path::Path, sync::Arc};

use actors::ports::{Clock, Store};

use crate::config::{self, StoreUrl};

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

/// Opens the store, makes what is missing, and migrates it.
///
/// # Errors
/// [`OpenError`] names what is wrong.
pub async fn open(
    settings: &config::Store,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match &settings.url {
        StoreUrl::Sqlite(path) => Arc::new(SqliteStore::open(path, clock)?),
        StoreUrl::Postgres(server) => {
            Arc::new(PostgresStore::open(server, settings.pool_size).await?)
        }
    })
}

/// Makes sure that no other process serves this store without a bus between them.
///
/// # Errors
/// [`OpenError`] says who does.
pub async fn lock(url: &StoreUrl) -> Result<ServingLock, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(path) => ServingLock::File(FileLock::take(path)?),
        StoreUrl::Postgres(server) => ServingLock::Database(DatabaseLock::take(server).await?),
    })
}
