//! What `duet doctor` finds out about a store.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{MIB, OpenError, postgres, sharded, sqlite};
use crate::config::{self, PostgresUrl, Settings, StoreUrl};

/// Calls that a latency is the middle one of.
const SAMPLES: usize = 9;
/// Clocks that are further apart show times of last-seen that people notice.
const CLOCKS_APART_MS: u64 = 1_000;

/// How good something that was found is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Fine,
    /// To be looked at.
    Warning,
    /// Nothing works like this.
    Fault,
}

/// Something that was found, in a sentence.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How good it is.
    pub level: Level,
    /// What it is.
    pub what: String,
}

impl Finding {
    /// As it should be.
    pub fn fine(what: impl Into<String>) -> Self {
        Self::new(Level::Fine, what)
    }

    /// To be looked at.
    pub fn warning(what: impl Into<String>) -> Self {
        Self::new(Level::Warning, what)
    }

    /// Nothing works like this.
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

/// Looks at the store without changing its tables.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    let store = &settings.store;
    let done = match &store.url {
        StoreUrl::Sqlite(path) => {
            let free_bytes_min = settings.limits.free_disk_mib_min.saturating_mul(MIB);
            sqlite::examine(path, free_bytes_min, &mut found)
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
                    finding.what = format!("{}: {}", url.place(), finding.what);
                }
            }
            sharded::examine(urls, &mut found).await
        }
    };
    found.extend(done.err().map(Finding::from));
    found
}

async fn alone(url: &PostgresUrl) -> Result<(), OpenError> {
    match postgres::member(url).await? {
        Some(member) => sharded::check_alone(&url.place(), member.identity, member.maps),
        None => Ok(()),
    }
}

/// How many instances use the store, by their own notes in it; `None` where there is but one, or it
/// cannot be asked.
pub async fn living(settings: &config::Store) -> Option<usize> {
    match &settings.url {
        StoreUrl::Sqlite(_) => None,
        StoreUrl::Postgres(url) => postgres::living(url).await.ok(),
        StoreUrl::Shards(urls) => {
            // They note it on every server that answers.
            for url in urls {
                if let Ok(living) = postgres::living(url).await {
                    return Some(living);
                }
            }
            None
        }
    }
}

/// Compares a server's clock with this machine's. `ask` brings the server's, in milliseconds since 1970.
///
/// # Errors
/// Why the server does not say.
pub async fn clock<E>(ask: impl AsyncFnOnce() -> Result<i64, E>) -> Result<Finding, E> {
    let began = Instant::now();
    let there = ask().await?;
    // The answer is as old as half of the way there and back.
    let here = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .saturating_sub(began.elapsed() / 2);
    let here = i64::try_from(here.as_millis()).unwrap_or(i64::MAX);
    let apart = here.abs_diff(there);
    let words = format!("its clock and this one are {apart} ms apart");
    Ok(match apart <= CLOCKS_APART_MS {
        true => Finding::fine(words),
        false => Finding::warning(format!("{words}: run NTP on both")),
    })
}

/// The middle one of the times that some calls took.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Makes a call again and again, and says how long it takes.
pub async fn latency<E>(mut call: impl AsyncFnMut() -> Result<(), E>) -> Result<Duration, E> {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let began = Instant::now();
        call().await?;
        times.push(began.elapsed());
    }
    Ok(median(times))
}

/// A time for people.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
