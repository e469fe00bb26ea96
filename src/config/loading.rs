//! Where settings come from: the defaults, a file, the environment, files with secrets.

use std::{fs, path::Path};

use ::config::{
    Config, ConfigBuilder, ConfigError, Environment, File, FileFormat, builder::DefaultState,
};

use super::{DEFAULT, Settings, Wrong};

const TRUSTED_PROXIES: &str = "server.trusted_proxies";
const EXEMPT_ADDRESSES: &str = "limits.exempt_addresses";

impl Settings {
    /// Reads the defaults, the file and the environment.
    ///
    /// # Errors
    /// [`Wrong`] names the first setting that is unknown or cannot be.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Wrong> {
        let mut config = Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
        if let Some(path) = file {
            let text = fs::read_to_string(path).map_err(|error| {
                Wrong(format!(
                    "The settings file {} cannot be read: {error}.",
                    path.display()
                ))
            })?;
            config = config.add_source(File::from_str(&text, FileFormat::Toml));
        }
        let environment = environment.into_iter().collect::<Vec<_>>();
        let value_of = |name: &str| {
            let (_, value) = environment.iter().find(|(known, _)| known == name)?;
            Some(value.clone())
        };
        // What hosting platforms call them.
        let mut platform = String::new();
        for (name, section) in [("DATABASE_URL", "store"), ("REDIS_URL", "bus")] {
            if let Some(url) = value_of(name) {
                platform += &format!("[{section}]\nurl = {}\n", toml_string(&url));
            }
        }
        config = config.add_source(File::from_str(&platform, FileFormat::Toml));
        let mut ours = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with("DUET_"))
            .collect::<std::collections::HashMap<_, _>>();
        // An empty value of a list is an empty list.
        for (name, key) in [
            ("DUET_SERVER__TRUSTED_PROXIES", TRUSTED_PROXIES),
            ("DUET_LIMITS__EXEMPT_ADDRESSES", EXEMPT_ADDRESSES),
        ] {
            if ours.get(name).is_some_and(|value| value.trim().is_empty()) {
                ours.remove(name);
                config = config
                    .set_override(key, Vec::<String>::new())
                    .map_err(wrong)?;
            }
        }
        let environment = Environment::with_prefix("DUET")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key(TRUSTED_PROXIES)
            .with_list_parse_key(EXEMPT_ADDRESSES)
            .source(Some(ours));
        let settings: Settings = with_secrets(config.add_source(environment))?
            .build()
            .and_then(Config::try_deserialize)
            .map_err(wrong)?;
        settings.check()?;
        Ok(settings)
    }
}

/// Puts what secret files say over what is set, and never tells it.
fn with_secrets(
    mut config: ConfigBuilder<DefaultState>,
) -> Result<ConfigBuilder<DefaultState>, Wrong> {
    let known = config.build_cloned().map_err(wrong)?;
    for section in ["store", "bus"] {
        let path = known.get_string(&format!("{section}.url_file"));
        let Some(path) = path.ok().filter(|path| !path.trim().is_empty()) else {
            continue;
        };
        let url = fs::read_to_string(path.trim()).map_err(|error| {
            Wrong(format!(
                "{section}.url_file, {path}, cannot be read: {error}."
            ))
        })?;
        config = config
            .set_override(format!("{section}.url"), url.trim())
            .map_err(wrong)?;
    }
    Ok(config)
}

fn wrong(error: ConfigError) -> Wrong {
    let sentence = match &error {
        ConfigError::FileParse { cause, .. } => {
            // Where, and what; the lines between draw a picture of it.
            let cause = cause.to_string();
            let lines = || cause.lines().filter(|line| !line.trim().is_empty());
            let (place, fault) = (lines().next(), lines().next_back());
            let told = [place, fault]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(": ");
            format!("The settings file is not TOML: {told}")
        }
        ConfigError::At {
            error,
            key: Some(key),
            ..
        } => format!("{key} is wrong: {error}"),
        other => format!("A setting is wrong: {other}"),
    };
    Wrong(format!("{}.", sentence.trim_end_matches(['.', '\n'])))
}

/// A TOML string that stands for exactly this text.
fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
