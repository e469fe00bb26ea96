//! What lasts.

pub mod examine;
mod meter;
mod postgres;
mod probe;
mod sharded;
mod sqlite;

use std::{
    fmt,
    path::{self, Path},
    sync::Arc,
    time::{Duration, Instant},
};

use actors::ports::{Clock, Store, StoreError};
use futures_util::future::{select_all, try_join_all};
use prometheus::Registry;
use tracing::{info, warn};

use crate::config::{self, Settings, StoreUrl};

pub use meter::Meter;
pub use postgres::{DatabaseLock, PostgresStore};
pub use probe::StoreProbe;
pub use sharded::{ChangeError, ShardedStore, Shards, Standing};
pub use sqlite::{FileLock, SqliteStore, backup, restore};

/// How often a start tries again, and how often it says that it is waiting.
const TRY_AGAIN: Duration = Duration::from_millis(500);
const SAY_AGAIN: Duration = Duration::from_secs(5);

const MIB: u64 = 1024 * 1024;

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

    fn passing(sentence: String) -> Self {
        Self {
            sentence,
            is_passing: true,
        }
    }

    fn file(path: &Path, error: &dyn fmt::Display) -> Self {
        // Whole, since a relative one is another file in another folder.
        let whole = path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self::wrong(format!(
            "{} cannot be used: {error}. Check store.url and the permissions of its folder.",
            whole.display()
        ))
    }
}

/// An open store, and how to leave it.
pub struct OpenStore {
    /// The store.
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
    /// Of a database, or of each of several.
    Databases(Vec<DatabaseLock>),
}

impl ServingLock {
    /// Ready when another process serves the store, which can come about when the connection to
    /// its server was lost for a while.
    pub async fn lost(&mut self) -> OpenError {
        match self {
            // The system keeps it as long as the process lives.
            ServingLock::File(_) => std::future::pending().await,
            ServingLock::Databases(locks) => {
                let lost = locks.iter_mut().map(|lock| Box::pin(lock.lost()));
                select_all(lost).await.0
            }
        }
    }
}

/// Opens the store, makes what is missing, and migrates it. Its calls are counted on `registry`.
///
/// # Errors
/// [`OpenError`] names what is wrong.
pub async fn open(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    registry: &Registry,
) -> Result<OpenStore, OpenError> {
    let mut sqlite = None;
    let store: Arc<dyn Store> = match &settings.store.url {
        StoreUrl::Sqlite(path) => {
            let free_bytes_min = settings.limits.free_disk_mib_min.saturating_mul(MIB);
            let store = Arc::new(SqliteStore::open(
                path,
                clock,
                free_bytes_min,
                Meter::register(registry),
            )?);
            sqlite = Some(store.clone());
            store
        }
        StoreUrl::Postgres(url) => {
            let store = PostgresStore::open(url, &settings.store, registry).await?;
            let failed = |error: StoreError| OpenError::passing(error.to_string());
            if let Some((identity, maps)) = store.membership().await.map_err(failed)? {
                sharded::check_alone(&url.place(), identity, maps)?;
            }
            Arc::new(store)
        }
        StoreUrl::Shards(urls) => {
            ShardedStore::open(urls, &settings.store, clock, registry).await?
        }
    };
    Ok(OpenStore { store, sqlite })
}

/// Tries to open something until it succeeds, and says what it is waiting for. What waiting does not
/// help is given up at once, the rest after `store.start_seconds`.
///
/// # Errors
/// [`OpenError`] as the last attempt had it.
pub async fn patiently<T>(
    settings: &config::Store,
    mut attempt: impl AsyncFnMut() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let (began, patience) = (Instant::now(), settings.start_patience());
    let mut said: Option<Instant> = None;
    loop {
        let error = match attempt().await {
            Ok(done) => {
                if said.is_some() {
                    let seconds = began.elapsed().as_secs_f64();
                    info!(seconds, "the store is there");
                }
                return Ok(done);
            }
            Err(error) => error,
        };
        let spent = patience.is_some_and(|patience| began.elapsed() >= patience);
        if !error.is_passing || spent {
            return Err(error);
        }
        if said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            said = Some(Instant::now());
            let seconds = began.elapsed().as_secs();
            warn!(seconds, %error, "waiting for the store");
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// Makes sure that no other process serves this store without a bus between them.
///
/// # Errors
/// [`OpenError`] says who does.
pub async fn lock(url: &StoreUrl) -> Result<ServingLock, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(path) => ServingLock::File(FileLock::take(path)?),
        StoreUrl::Postgres(url) => ServingLock::Databases(vec![DatabaseLock::take(url).await?]),
        StoreUrl::Shards(urls) => {
            ServingLock::Databases(try_join_all(urls.iter().map(DatabaseLock::take)).await?)
        }
    })
}
