//! Prints the settings in force, with the source of each.

use ::config::{Config, Value, ValueKind};

use super::{Sources, keys};

/// All settings as a TOML file, with secrets hidden and the source of each as a comment.
pub fn print(config: &Config, sources: &Sources) -> String {
    let mut text = String::new();
    let mut section = String::new();
    let flat = keys::flat(config);
    // With `store.urls` the default of `store.url` has no effect, and a file with both would be refused.
    let is_several = |(key, value): &(String, Value)| key == "store.urls" && !is_empty(value);
    let several = flat.iter().any(is_several);
    for (key, value) in flat {
        if several && key == "store.url" {
            continue;
        }
        let Some((of, name)) = key.split_once('.') else {
            continue;
        };
        if of != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            text += &format!("{gap}[{of}]\n");
            section = of.into();
        }
        let value = keys::shown(&key, &value);
        let place = sources.of(&key);
        text += &format!("{name} = {value} # {place}\n");
    }
    text
}

fn is_empty(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Array(values) => values.is_empty(),
        ValueKind::String(text) => text.trim().is_empty(),
        _ => false,
    }
}
