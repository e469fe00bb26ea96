//! Which adapters, by their addresses. None of them prints a password.

use std::{fmt, path::PathBuf};

use serde::Deserialize;

use super::RedisUrl;

use super::PostgresUrl;

/// Which store, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum StoreUrl {
    /// One file on this machine.
    Sqlite(PathBuf),
    /// A server that any number of instances share.
    Postgres(Box<PostgresUrl>),
}

impl TryFrom<String> for StoreUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return sqlite_file(path.strip_prefix("//").unwrap_or(path)).map(StoreUrl::Sqlite);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return PostgresUrl::parse(&url).map(|url| StoreUrl::Postgres(Box::new(url)));
        }
        Err("it must be sqlite://PATH, like sqlite://data/duet.db, or \
             postgres://USER:PASSWORD@HOST/DATABASE"
            .into())
    }
}

/// The path of a file. What other programs understand after `sqlite:` and is no such path is
/// refused, so that nobody finds their chats in a file with an odd name, or nowhere.
fn sqlite_file(path: &str) -> Result<PathBuf, String> {
    let fault = if path.is_empty() {
        "it names no file"
    } else if path.contains(":memory:") || path.contains("mode=memory") {
        "chats are kept in a file, not in memory alone"
    } else if path.starts_with("file:") || path.contains('?') {
        "a file is named by its path alone, without options"
    } else if path.ends_with('/') {
        "it names a folder"
    } else {
        return Ok(path.into());
    };
    Err(format!(
        "{fault}: it must be like sqlite://data/duet.db, or sqlite:///var/lib/duet/duet.db"
    ))
}

/// Without a password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            StoreUrl::Postgres(url) => url.fmt(f),
        }
    }
}

/// Which bus, and where.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub enum BusUrl {
    /// One process.
    Local,
    /// Redis servers.
    Redis(Box<RedisUrl>),
}

impl TryFrom<String> for BusUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match url.as_str() {
            "local" => Ok(BusUrl::Local),
            url => Ok(BusUrl::Redis(Box::new(url.parse()?))),
        }
    }
}

/// Without a password.
impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BusUrl::Local => f.write_str("local"),
            BusUrl::Redis(url) => write!(f, "of {url}"),
        }
    }
}

impl fmt::Debug for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
