//! What `duet doctor` reports about a store.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;

use super::{MIB, OpenError, postgres, sharded, sqlite};
use crate::config::{self, PostgresUrl, Settings, StoreUrl};

/// How many calls a median latency is taken from.
const SAMPLES: usize = 9;
/// Clocks that differ by more show wrong "last seen" times.
const CLOCKS_APART_MS: u64 = 1_000;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing to do.
    Fine,
    /// Works, but should be looked at.
    Warning,
    /// duet cannot run like this.
    Fault,
}

/// One line of the report.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its severity.
    pub level: Level,
    /// A sentence.
    pub what: String,
}

impl Finding {
    /// Nothing to do.
    pub fn ok(what: impl Into<String>) -> Self {
        Self::new(Level::Fine, what)
    }

    /// Works, but should be looked at.
    pub fn warning(what: impl Into<String>) -> Self {
        Self::new(Level::Warning, what)
    }

    /// duet cannot run like this.
    pub fn fault(what: impl Into<String>) -> Self {
        Self::new(Level::Fault, what)
    }

    fn new(level: Level, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { level, what }
    }
}

impl From<OpenError> for Finding {
    fn from(error: OpenError) -> Self {
        Self::fault(error.to_string())
    }
}

/// Examines the store without changing its tables.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    let store = &settings.store;
    let done = match &store.url {
        StoreUrl::Sqlite(path) => {
            let free_bytes_min = settings.limits.free_disk_mib_min.saturating_mul(MIB);
            sqlite::examine(path, free_bytes_min, &mut found).await
        }
        StoreUrl::Postgres(url) => match postgres::examine(url, store, &mut found).await {
            Ok(()) => alone(url).await,
            error => error,
        },
        StoreUrl::Shards(urls) => {
            for url in urls {
                let before = found.len();
                let done = postgres::examine(url, store, &mut found).await;
                found.extend(done.err().map(Finding::from));
                for finding in &mut found[before..] {
                    finding.what = format!("{}: {}", url.location(), finding.what);
                }
            }
            sharded::examine(urls, &mut found).await
        }
    };
    found.extend(done.err().map(Finding::from));
    found
}

/// Refuses a server that shares its chats with others, if it is to be the only one.
pub(super) async fn alone(url: &PostgresUrl) -> Result<(), OpenError> {
    match postgres::member(url).await? {
        Some(member) => sharded::check_alone(&url.location(), member.identity, member.maps),
        None => Ok(()),
    }
}

/// Whether there is a store, which opening it would make otherwise.
///
/// # Errors
/// [`OpenError`] if PostgreSQL cannot be asked.
pub async fn is_made(url: &StoreUrl) -> Result<bool, OpenError> {
    match url {
        // One that cannot be reached is there.
        StoreUrl::Sqlite(path) => Ok(path.try_exists().unwrap_or(true)),
        StoreUrl::Postgres(url) => postgres::has_tables(url).await,
        StoreUrl::Shards(urls) => {
            let servers = join_all(urls.iter().map(postgres::has_tables)).await;
            Ok(servers.into_iter().any(|made| made.unwrap_or(true)))
        }
    }
}

/// How many instances use the store, by their heartbeats in it; `None` for SQLite, and where the store cannot
/// be asked.
pub async fn count_live_instances(settings: &config::Store) -> Option<usize> {
    match &settings.url {
        StoreUrl::Sqlite(_) => None,
        StoreUrl::Postgres(url) => postgres::count_live_instances(url).await.ok(),
        StoreUrl::Shards(urls) => {
            // Each instance beats on every server that answers.
            for url in urls {
                if let Ok(instances) = postgres::count_live_instances(url).await {
                    return Some(instances);
                }
            }
            None
        }
    }
}

/// Compares a server's clock with this machine's. `ask` returns the server's time in ms since 1970.
///
/// # Errors
/// The error of `ask`.
pub async fn clock<E>(ask: impl AsyncFnOnce() -> Result<i64, E>) -> Result<Finding, E> {
    let began = Instant::now();
    let there = ask().await?;
    // The server read its clock about half a round trip ago.
    let here = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .saturating_sub(began.elapsed() / 2);
    let here = i64::try_from(here.as_millis()).unwrap_or(i64::MAX);
    let apart = here.abs_diff(there);
    let words = format!("its clock and this one are {apart} ms apart");
    Ok(match apart <= CLOCKS_APART_MS {
        true => Finding::ok(words),
        false => Finding::warning(format!("{words}: run NTP on both")),
    })
}

/// Times several runs of a call and returns the median.
pub async fn latency<E>(mut call: impl AsyncFnMut() -> Result<(), E>) -> Result<Duration, E> {
    let mut times = [Duration::ZERO; SAMPLES];
    for time in &mut times {
        let began = Instant::now();
        call().await?;
        *time = began.elapsed();
    }
    times.sort_unstable();
    Ok(times[SAMPLES / 2])
}

/// A duration for people, such as `1.5 ms`.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
