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
pub use sqlite::{FileLock, SqliteStore, backup, restore};

/// The store cannot be opened: one sentence that names it and says what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{sentence}")]
pub struct OpenError {
    sentence: String,
    /// Whether it may come right by itself, as when a server is still starting. What is wrong with
    /// a setting, a password or a right never does.
    pub is_passing: bool,
}

impl OpenError {
    fn wrong(sentence: String) -> Self {
        Self {
            sentence,
            is_passing: false,
        }
    }

    fn file(path: &Path, error: &dyn fmt::Display) -> Self {
        Self::wrong(format!(
            "{} cannot be used: {error}. Check store.url and the permissions of its folder.",
            path.display()
        ))
    }
}

/// An open store, and how to leave it.
pub struct OpenStore {
    /// The store, with its calls counted.
    pub store: Arc<dyn Store>,
    sqlite: Option<Arc<SqliteStore>>,
}

impl OpenStore {
    /// Leaves the store in order: SQLite's file is complete afterwards, with nothing beside it.
    pub async fn close(&self) {
        if let Some(sqlite) = &self.sqlite {
            sqlite.close().await;
        }
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
) -> Result<OpenStore, OpenError> {
    let mut sqlite = None;
    let store: Arc<dyn Store> = match &settings.url {
        StoreUrl::Sqlite(path) => {
            let store = Arc::new(SqliteStore::open(path, clock)?);
            sqlite = Some(store.clone());
            store
        }
        StoreUrl::Postgres(url) => Arc::new(PostgresStore::open(url, settings, registry).await?),
    };
    let store = Arc::new(Metered::new(store, registry));
    Ok(OpenStore { store, sqlite })
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
