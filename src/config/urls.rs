//! The URLs that choose the adapters. `Display` never prints a password.

use std::{
    fmt,
    path::{self, PathBuf},
};

use serde::{Deserialize, Deserializer, de::Error};

use super::{PostgresUrl, RedisUrl, environment::plain};

/// Which store, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum StoreUrl {
    /// One file on this machine.
    Sqlite(PathBuf),
    /// A server that any number of instances share.
    Postgres(Box<PostgresUrl>),
    /// Several servers that share the chats.
    Shards(Vec<PostgresUrl>),
}

/// The URLs in a text, separated by white space or commas, or written as a list of TOML. Within a URL commas separate
/// the hosts of one server.
pub(super) fn split(text: &str) -> Vec<String> {
    let text = text.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let mut urls: Vec<String> = Vec::new();
    for word in inner.unwrap_or(text).split_whitespace() {
        for (index, part) in word.trim_matches(',').split(',').enumerate() {
            match urls.last_mut() {
                Some(url) if index > 0 && !part.contains("://") => *url = format!("{url},{part}"),
                _ => urls.push(part.to_owned()),
            }
        }
    }
    let urls = urls
        .iter()
        .map(|url| plain(url))
        .filter(|url| !url.is_empty());
    urls.map(str::to_owned).collect()
}

/// Several PostgreSQL URLs: a list, or one string.
pub(super) fn several<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<PostgresUrl>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Several {
        List(Vec<String>),
        Text(String),
    }
    let urls = match Several::deserialize(deserializer)? {
        Several::List(urls) => urls,
        Several::Text(text) => split(&text),
    };
    let parse = |url: String| match StoreUrl::try_from(url).map_err(D::Error::custom)? {
        StoreUrl::Postgres(url) => Ok(*url),
        _ => Err(D::Error::custom("only PostgreSQL servers can share chats")),
    };
    urls.into_iter().map(parse).collect()
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

/// The path of the database file. Other forms of SQLite URLs are refused, so that chats do not end up in memory or in a
/// file with an odd name.
fn sqlite_file(path: &str) -> Result<PathBuf, String> {
    let fault = if path.is_empty() {
        "it names no file"
    } else if path.contains(":memory:") || path.contains("mode=memory") {
        "chats are kept in a file, not in memory alone"
    } else if path.starts_with("file:") || path.contains('?') {
        "a file is named by its path alone, without options"
    } else if path.ends_with('/') {
        "it names a folder"
    } else if path.starts_with("~/") {
        "only a shell knows what ~ is, so the path is to be written whole"
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
            // The absolute path: a relative one depends on the working directory.
            StoreUrl::Sqlite(path) => {
                let whole = path::absolute(path).unwrap_or_else(|_| path.clone());
                write!(f, "sqlite://{}", whole.display())
            }
            StoreUrl::Postgres(url) => url.fmt(f),
            StoreUrl::Shards(urls) => {
                let places: Vec<String> = urls.iter().map(PostgresUrl::location).collect();
                write!(f, "the PostgreSQL servers {}", places.join(", "))
            }
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
