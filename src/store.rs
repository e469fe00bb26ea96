//! What lasts.

mod sqlite;

use std::{fmt, path::Path, sync::Arc};

use actors::ports::{Clock, Store};

use crate::config::StoreUrl;

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

/// What keeps a second process from serving the same store.
pub type ServingLock = FileLock;

/// Opens the store, makes what is missing, and migrates it.
///
/// # Errors
/// [`OpenError`] names what is wrong.
pub fn open(url: &StoreUrl, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, OpenError> {
    match url {
        StoreUrl::Sqlite(path) => Ok(Arc::new(SqliteStore::open(path, clock)?)),
    }
}

/// Makes sure that no other process serves this store without a bus between them.
///
/// # Errors
/// [`OpenError`] says who does.
pub fn lock(url: &StoreUrl) -> Result<ServingLock, OpenError> {
    match url {
        StoreUrl::Sqlite(path) => FileLock::take(path),
    }
}
