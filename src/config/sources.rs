//! Records where each setting was set.

use std::{collections::BTreeMap, path::Path};

use toml::de::{DeTable, DeValue};

use super::keys::known;

const PREFIX: &str = "DUET_";
/// Between the section and the key.
const SEPARATOR: &str = "__";
/// The variables that hosting platforms use for URLs, and their sections.
pub(super) const PLATFORM: [(&str, &str); 2] = [("DATABASE_URL", "store"), ("REDIS_URL", "bus")];

/// The source of each key.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    places: BTreeMap<String, String>,
    /// Warnings about variables that look like settings and are not.
    pub(super) near_misses: Vec<String>,
}

/// Whether an environment variable is a setting: in capitals, so that no two of them have one key. Other variables have
/// the same prefix: a Kubernetes service named `duet` puts `DUET_PORT` and more into every pod.
pub(super) fn is_setting(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX);
    rest.is_some_and(|rest| rest.contains(SEPARATOR) && rest == rest.to_uppercase())
}

impl Sources {
    pub(super) fn new(file: Option<(&Path, &str)>, environment: &[(String, String)]) -> Self {
        let mut sources = Self::default();
        if let Some((path, text)) = file {
            for (line, key) in keys_of(text) {
                let place = format!("line {line} of {}", path.display());
                sources.places.insert(key, place);
            }
        }
        let is_set = |name: &str| environment.iter().any(|(known, _)| known == name);
        for (name, section) in PLATFORM.iter().filter(|(name, _)| is_set(name)) {
            sources.put(format!("{section}.url"), name);
        }
        for (name, _) in environment {
            let whole = name.to_uppercase();
            let Some(rest) = whole.strip_prefix(PREFIX) else {
                continue;
            };
            if is_setting(name) {
                sources.put(rest.to_lowercase().replace(SEPARATOR, "."), name);
                continue;
            }
            let letters = |text: &str| text.to_lowercase().replace(['_', '.'], "");
            let meant = known().find(|key| letters(key) == letters(rest));
            let why = match meant {
                Some(key) => {
                    let variable = key.to_uppercase().replace('.', SEPARATOR);
                    format!("{PREFIX}{variable} would be {key}")
                }
                // In capitals it would be refused.
                None if rest.contains(SEPARATOR) => "settings are in capitals".to_owned(),
                None => continue,
            };
            let near_miss = format!("{name} in the environment is no setting: {why}");
            sources.near_misses.push(near_miss);
        }
        sources
    }

    pub(super) fn with_secret_files(mut self, files: &[(String, String)]) -> Self {
        for (key, path) in files {
            self.places.insert(key.clone(), format!("the file {path}"));
        }
        self
    }

    fn put(&mut self, key: String, name: &str) {
        self.places
            .insert(key, format!("{name} in the environment"));
    }

    /// Where a key was set.
    pub fn of(&self, key: &str) -> &str {
        self.places.get(key).map_or("default", String::as_str)
    }
}

/// The keys that a TOML file sets, with their lines. Empty if it is not TOML, which is reported elsewhere.
fn keys_of(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        add_keys("", table.get_ref(), text, &mut found);
    }
    found
}

fn add_keys(section: &str, table: &DeTable<'_>, text: &str, found: &mut Vec<(usize, String)>) {
    for (key, value) in table {
        let name = match section {
            "" => key.get_ref().to_string(),
            section => format!("{section}.{}", key.get_ref()),
        };
        match value.get_ref() {
            DeValue::Table(table) => add_keys(&name, table, text, found),
            _ => {
                let before = &text.as_bytes()[..key.span().start];
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                found.push((line, name));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_its_line_however_it_is_written() {
        let text = "# = [\nstore.lanes = 2\nserver = { bind = \":1\",\n  role = \"all\" }\n\
                    [ limits ]\r\n\"streams_per_seat\" = 3\nexempt_addresses = [\n  \"a=b\",\n]\n\
                    [log]\nfilter = \"\"\"\nbus.url = 1\"\"\"\n";
        let mut keys = keys_of(text);
        keys.sort_unstable();
        let expected = [
            (2, "store.lanes"),
            (3, "server.bind"),
            (4, "server.role"),
            (6, "limits.streams_per_seat"),
            (7, "limits.exempt_addresses"),
            (11, "log.filter"),
        ];
        assert_eq!(keys, expected.map(|(line, key)| (line, key.to_owned())));
        assert_eq!(keys_of("[server"), []);
    }
}
