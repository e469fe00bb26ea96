//! The known keys, the type of each, and how values are displayed.

use std::sync::LazyLock;

use ::config::{Config, File, FileFormat, Value, ValueKind};

use super::{ConfigError, DEFAULT, sources::Sources, urls};

/// The least similarity, from 0 to 1, at which a known key is suggested for an unknown one.
const SIMILARITY_MIN: f64 = 0.75;
const HIDDEN: &str = "***";
/// Larger numbers are mistakes; within these limits no sum or product overflows.
const NUMBERS: std::ops::RangeInclusive<i64> = 0..=1 << 42;

/// Every key with its default.
static KNOWN: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let defaults = Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    flat(&defaults.build().expect("the defaults are TOML"))
});

/// Every key, as `section.key`.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(key, _)| key.as_str())
}

/// The values by key, in alphabetical order. A list is one value.
pub(super) fn flat(config: &Config) -> Vec<(String, Value)> {
    fn add(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
        match &value.kind {
            ValueKind::Table(table) => {
                for (name, value) in table {
                    let path = match path {
                        "" => name.clone(),
                        path => format!("{path}.{name}"),
                    };
                    add(&path, value, found);
                }
            }
            _ => found.push((path.to_owned(), value.clone())),
        }
    }
    let mut found = Vec::new();
    add("", &config.cache, &mut found);
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

/// Refuses the first unknown key, and suggests the one that may be meant.
pub(super) fn refuse_unknown(config: &Config, sources: &Sources) -> Result<(), ConfigError> {
    let flat = flat(config);
    let unknown = flat
        .iter()
        .find(|(key, _)| !known().any(|known| known == key));
    let Some((key, _)) = unknown else {
        return Ok(());
    };
    let near = known()
        .map(|known| (strsim::jaro_winkler(known, key), known))
        .filter(|(similar, _)| *similar >= SIMILARITY_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let hint = match near {
        Some((_, near)) => format!("Perhaps {near} is meant."),
        None => "`duet default-config` prints all there are.".into(),
    };
    let place = sources.of(key);
    Err(ConfigError(format!(
        "{key} ({place}) is no setting. {hint}"
    )))
}

/// Whether a value has the type of its key. The library would silently convert fractions and booleans to integers.
pub(super) fn has_expected_type(key: &str, value: &Value) -> bool {
    let default = KNOWN.iter().find(|(known, _)| known == key);
    let default = default.map(|(_, default)| &default.kind);
    let is_whole = matches!(default, Some(ValueKind::I64(_)));
    let is_switch = matches!(default, Some(ValueKind::Boolean(_)));
    match &value.kind {
        ValueKind::String(text) if is_whole => {
            text.parse().is_ok_and(|number| NUMBERS.contains(&number))
        }
        ValueKind::I64(number) if is_whole => NUMBERS.contains(number),
        ValueKind::I64(number) if is_switch => matches!(number, 0 | 1),
        ValueKind::Float(_) => !is_whole && !is_switch,
        ValueKind::Boolean(_) => !is_whole,
        _ => true,
    }
}

/// Whether a value may hold a password.
pub(super) fn is_secret(key: &str) -> bool {
    matches!(key, "store.url" | "store.urls" | "bus.url")
}

/// A value as TOML, with secrets hidden.
pub(super) fn shown(key: &str, value: &Value) -> String {
    let text_of = |text: &str| match is_secret(key) {
        true => quoted(&without_password(text)),
        false => quoted(text),
    };
    let list = |texts: Vec<String>| format!("[{}]", texts.join(", "));
    match &value.kind {
        // In the environment the list is one string.
        ValueKind::String(text) if key == "store.urls" => {
            list(urls::split(text).iter().map(|url| text_of(url)).collect())
        }
        ValueKind::String(text) => text_of(text),
        ValueKind::Array(values) => {
            let shown = values.iter().map(|value| match &value.kind {
                ValueKind::String(text) => text_of(text),
                _ => value.to_string(),
            });
            list(shown.collect())
        }
        // With its point: 1e3 is no integer.
        ValueKind::Float(number) => format!("{number:?}"),
        _ => value.to_string(),
    }
}

/// A text as a string of TOML.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A URL with the password and all options hidden except harmless ones.
fn without_password(url: &str) -> String {
    const HARMLESS: [&str; 3] = ["sslmode=", "sslrootcert=", "connect_timeout="];
    let Some((scheme, rest)) = url.split_once("://") else {
        return match url {
            "local" => url.into(),
            _ => HIDDEN.into(),
        };
    };
    if scheme == "sqlite" {
        return url.into();
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let address = match address.rsplit_once('@') {
        Some((login, servers)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{servers}"),
            None => address.into(),
        },
        None => address.into(),
    };
    let options = query.split('&').filter(|option| !option.is_empty());
    let options = options.map(|option| {
        let is_harmless = HARMLESS.iter().any(|name| option.starts_with(name));
        if is_harmless { option } else { HIDDEN }
    });
    let options = options.collect::<Vec<_>>().join("&");
    match options.is_empty() {
        true => format!("{scheme}://{address}"),
        false => format!("{scheme}://{address}?{options}"),
    }
}

/// What the value of a key must be, with an example.
pub(super) fn must_be(key: &str) -> String {
    let words = match key {
        "server.bind" | "server.api_bind" | "server.ops_bind" => {
            "an address and a port, like \"127.0.0.1:8080\", \"localhost:8080\", \":8080\" for every \
             IPv4 address or \"[::]:8080\" for IPv6 as well"
        }
        "server.public_url" => "the address people use, like \"https://chat.example.org\"",
        "server.security_contact" => {
            "a mail address or an https:// address, like \"security@example.org\""
        }
        "server.role" => "\"registration\", \"chat\" or \"all\"",
        "server.trusted_proxies" | "limits.exempt_addresses" => {
            "a list of addresses and networks, like [\"10.0.0.1\", \"192.168.0.0/16\"]"
        }
        "store.urls" => {
            "a list of PostgreSQL servers, like [\"postgres://USER:PASSWORD@HOST/DATABASE\"]"
        }
        "server.allow_plain_http" => "true or false",
        "links.custom" => "\"any\", \"long\", \"off\" or \"\"",
        "log.format" => "\"text\" or \"json\"",
        "log.filter" => "a filter, like \"info\" or \"duet=debug,warn\"",
        _ => return of_default(key),
    };
    words.into()
}

fn of_default(key: &str) -> String {
    let default = KNOWN.iter().find(|(known, _)| known == key);
    match default {
        Some((key, value)) => match &value.kind {
            ValueKind::String(_) => "text".into(),
            _ => format!("a whole number that fits, like {}", shown(key, value)),
        },
        None => "something else".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_url_holds_no_secret() {
        for (url, shown) in [
            ("local", "local"),
            ("sqlite://data/duet.db", "sqlite://data/duet.db"),
            ("postgres://db/duet", "postgres://db/duet"),
            (
                "postgres://duet:s3cret@one:1,two:2/duet?sslmode=verify-full&password=s3cret",
                "postgres://duet:***@one:1,two:2/duet?sslmode=verify-full&***",
            ),
            (
                "postgres://duet:s3@cret@db/duet",
                "postgres://duet:***@db/duet",
            ),
            ("rediss://:s3cret@cache:1/2", "rediss://:***@cache:1/2"),
            ("s3cret", "***"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
