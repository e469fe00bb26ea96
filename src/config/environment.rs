//! Reads environment variables.

use std::env;

use super::{
    ConfigError,
    sources::{PLATFORM, is_setting},
};

/// Strips white space, and quotes that `docker run --env-file` keeps.
pub(super) fn plain(value: &str) -> &str {
    let value = value.trim();
    let inner = ['"', '\''].into_iter().find_map(|quote| {
        let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    });
    inner.map_or(value, str::trim)
}

/// The items of a list, separated by commas or white space, or written as in TOML.
pub(super) fn list(value: &str) -> Vec<String> {
    let inner = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let items = inner
        .unwrap_or(value)
        .split(|c: char| c == ',' || c.is_whitespace());
    let items = items.map(plain).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// All variables that are UTF-8. Those of other programs may be anything, and are skipped.
///
/// # Errors
/// [`ConfigError`] names a setting that is not UTF-8.
pub fn environment() -> Result<Vec<(String, String)>, ConfigError> {
    let mut variables = Vec::new();
    for (name, value) in env::vars_os() {
        let Ok(name) = name.into_string() else {
            continue;
        };
        match value.into_string() {
            Ok(value) => variables.push((name, value)),
            Err(_) if is_setting(&name) || PLATFORM.iter().any(|(known, _)| *known == name) => {
                return Err(ConfigError(format!(
                    "{name} in the environment is no text: it must be UTF-8."
                )));
            }
            Err(_) => {}
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_a_value_are_stripped() {
        for (value, meant) in [
            (" 2 ", "2"),
            ("\"sqlite://x.db\"", "sqlite://x.db"),
            ("' info '", "info"),
            ("\"\"", ""),
            ("\"", "\""),
            ("\"a\" \"b\"", "\"a\" \"b\""),
            ("it's", "it's"),
        ] {
            assert_eq!(plain(value), meant, "{value}");
        }
    }
}
