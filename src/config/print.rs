//! What is in force, and where each value comes from.

use ::config::Config;

use super::{Sources, keys};

/// All settings as a settings file, without secrets, each with the place it was set at.
pub fn print(config: &Config, sources: &Sources) -> String {
    let mut text = String::new();
    let mut section = String::new();
    for (key, value) in keys::flat(config) {
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
