//! The store: opening it, and the adapters for SQLite and PostgreSQL.

pub mod examine;
mod meter;
mod postgres;
mod probe;
mod sharded;
mod sqlite;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actors::ports::{Clock, Store, StoreError, SystemClock};
use futures_util::future::{select_all, try_join_all};
use prometheus::Registry;
use tracing::{info, warn};

use crate::config::{self, Settings, StoreUrl};

pub use meter::Meter;
use postgres::PoolMetrics;
pub use postgres::{DatabaseLock, PostgresStore};
pub use probe::StoreProbe;
pub use sharded::{ChangeError, ShardStatus, ShardedStore};
pub use sqlite::{FileLock, SqliteStore, backup, restore};

/// How often a start retries, and how often it logs that it is waiting.
const TRY_AGAIN: Duration = Duration::from_millis(500);
const SAY_AGAIN: Duration = Duration::from_secs(5);

const MIB: u64 = 1024 * 1024;

/// How many secrets of replaced people are remembered for each seat; the oldest are dropped.
const REPLACED_SECRETS_MAX: i64 = 64;

/// The result of a call of the store.
type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The store cannot be opened: a sentence with the cause and the next step.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{sentence}")]
pub struct OpenError {
    sentence: String,
    cause: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// A wrong setting or password, or a missing right.
    Wrong,
    /// The server cannot be reached, as while it starts.
    Away,
    /// The server is there, and somebody else holds what the opening needs.
    InUse,
}

impl OpenError {
    fn wrong(sentence: String) -> Self {
        let cause = Cause::Wrong;
        Self { sentence, cause }
    }

    fn away(sentence: String) -> Self {
        let cause = Cause::Away;
        Self { sentence, cause }
    }

    fn in_use(sentence: String) -> Self {
        let cause = Cause::InUse;
        Self { sentence, cause }
    }

    /// Whether retrying can help.
    fn is_passing(&self) -> bool {
        self.cause != Cause::Wrong
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::away(error.to_string())
    }
}

/// A lock against a second process that serves the same store with a local bus.
#[derive(Debug)]
pub enum ServingLock {
    /// A lock file.
    File(FileLock),
    /// An advisory lock in each database.
    Databases(Vec<DatabaseLock>),
}

impl ServingLock {
    /// Resolves when another process has taken the lock, which can happen after the connection to its server
    /// was lost.
    pub async fn lost(&mut self) -> OpenError {
        match self {
            // The kernel holds a file lock for as long as the process lives.
            ServingLock::File(_) => std::future::pending().await,
            ServingLock::Databases(locks) => {
                let lost = locks.iter_mut().map(|lock| Box::pin(lock.lost()));
                select_all(lost).await.0
            }
        }
    }
}

/// Opens the store, creating and migrating it as needed. Its calls are counted on `registry`.
///
/// # Errors
/// [`OpenError`] names what is wrong.
pub async fn open(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    registry: &Registry,
) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match &settings.store.url {
        StoreUrl::Sqlite(path) => {
            let free_bytes_min = settings.limits.free_disk_mib_min.saturating_mul(MIB);
            let meter = Meter::register(registry);
            Arc::new(SqliteStore::open(path, clock, free_bytes_min, meter)?)
        }
        StoreUrl::Postgres(url) => {
            postgres::prepare(url, &settings.store).await?;
            examine::alone(url).await?;
            // Only what a retry cannot help fails from here on: the registry takes metrics once.
            let metrics = (
                Meter::register(registry),
                PoolMetrics::register(registry, None),
            );
            Arc::new(PostgresStore::new(url, &settings.store, metrics)?)
        }
        StoreUrl::Shards(urls) => {
            ShardedStore::open(urls, &settings.store, clock, registry).await?
        }
    })
}

/// Creates the store or brings it up to date: every server of it, and waits for those that are away.
///
/// # Errors
/// [`OpenError`] names what is wrong.
pub async fn migrate(settings: &Settings) -> Result<(), OpenError> {
    let clock = Arc::new(SystemClock);
    if let StoreUrl::Shards(urls) = &settings.store.url {
        return ShardedStore::migrate(urls, &settings.store, clock).await;
    }
    let open = async || open(settings, clock.clone(), &Registry::new()).await;
    let store = open_with_retries(&settings.store, open).await?;
    store.close().await;
    Ok(())
}

/// Retries an opening until it succeeds, and logs what it waits for. Errors that retrying cannot fix are
/// returned at once, the others after `store.start_seconds`.
///
/// # Errors
/// The [`OpenError`] of the last attempt.
pub async fn open_with_retries<T>(
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
        if !error.is_passing() || spent {
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

/// Takes the lock that keeps two processes with local buses off one store.
///
/// # Errors
/// [`OpenError`] names the process that holds it.
pub async fn lock(url: &StoreUrl) -> Result<ServingLock, OpenError> {
    Ok(match url {
        StoreUrl::Sqlite(path) => ServingLock::File(FileLock::take(path)?),
        StoreUrl::Postgres(url) => ServingLock::Databases(vec![DatabaseLock::take(url).await?]),
        StoreUrl::Shards(urls) => {
            ServingLock::Databases(try_join_all(urls.iter().map(DatabaseLock::take)).await?)
        }
    })
}
