//! Loads the settings from the defaults, a file, the environment and files with secrets.

use std::{collections::HashMap, path::Path};

use ::config::{
    Config, ConfigBuilder, ConfigError as LoadError, Environment, File, FileFormat, Value,
    builder::DefaultState,
};

use super::{
    ConfigError, DEFAULT, LogFormat, Settings, StoreUrl, environment,
    keys::{self, must_be},
    sources::Sources,
    urls,
};
use crate::files;

/// The keys whose values come from files, each with the file.
type SecretFiles = Vec<(String, String)>;

/// Where systemd says the folder with a unit's credentials is (systemd.exec(5)).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const TRUSTED_PROXIES: &str = "server.trusted_proxies";
const EXEMPT_ADDRESSES: &str = "limits.exempt_addresses";

impl Settings {
    /// Reads the defaults, the file and the environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the first unknown or wrong setting, and where it was set.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Self::load_with_sources(file, environment).map(|(settings, ..)| settings)
    }

    /// The same, and every value as it was written, with its source.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with_sources(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Config, Sources), ConfigError> {
        let environment = environment.into_iter().collect::<Vec<_>>();
        let text = file.map(read).transpose()?;
        let sources = Sources::new(file.zip(text.as_deref()), &environment);
        let (config, from_files) = merged(text.as_deref(), environment)?;
        let sources = sources.with_secret_files(&from_files);
        keys::refuse_unknown(&config, &sources)?;
        for (key, value) in keys::flat(&config) {
            if !keys::has_expected_type(&key, &value) {
                return Err(wrong_value(&key, &value, &sources));
            }
        }
        let mut settings: Settings = config
            .clone()
            .try_deserialize()
            .map_err(|error| find_wrong_setting(&config, &sources, error))?;
        let several = std::mem::take(&mut settings.store.urls);
        if !several.is_empty() {
            if sources.of("store.url") != "default" {
                return Err(ConfigError(format!(
                    "store.url ({}) and store.urls ({}) are both set. Leave one of them out.",
                    sources.of("store.url"),
                    sources.of("store.urls"),
                )));
            }
            settings.store.url = StoreUrl::Shards(several);
        }
        settings.check().map_err(|wrong| wrong.set_in(&sources))?;
        settings.hints = sources.near_misses.clone();
        Ok((settings, config, sources))
    }
}

/// The log format, even if other settings are wrong, so that their error is logged in it.
pub fn log_format(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> LogFormat {
    let text = file.and_then(|file| read(file).ok());
    let merged = merged(text.as_deref(), environment.into_iter().collect());
    let format = merged
        .ok()
        .and_then(|(config, _)| config.get("log.format").ok());
    format.unwrap_or(LogFormat::Text)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let shown = path.display();
    let text = files::read(path).map_err(|error| {
        ConfigError(format!(
            "The settings file {shown} cannot be read: {error}."
        ))
    })?;
    match toml::from_str::<toml::Table>(&text) {
        Ok(_) => Ok(text),
        Err(error) => {
            // The first line says where and the last one what; those in between show the source, with passwords.
            let error = error.to_string();
            let mut lines = error.lines().filter(|line| !line.trim().is_empty());
            let told: Vec<&str> = lines.next().into_iter().chain(lines.next_back()).collect();
            Err(ConfigError(format!(
                "The settings file {shown} is not TOML: {}.",
                told.join(": ")
            )))
        }
    }
}

/// Merges all sources, later ones over earlier ones. Also returns the keys that come from files with secrets.
fn merged(
    file: Option<&str>,
    environment: Vec<(String, String)>,
) -> Result<(Config, SecretFiles), ConfigError> {
    let mut config = Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    if let Some(text) = file {
        config = config.add_source(File::from_str(text, FileFormat::Toml));
    }
    // The names that hosting platforms use for the URLs.
    let mut platform = String::new();
    for (name, section) in super::sources::PLATFORM {
        if let Some((_, url)) = environment.iter().find(|(known, _)| known == name) {
            let url = environment::plain(url);
            platform += &format!("[{section}]\nurl = {}\n", keys::quoted(url));
        }
    }
    config = config.add_source(File::from_str(&platform, FileFormat::Toml));
    let credentials = environment
        .iter()
        .find(|(name, _)| name == CREDENTIALS)
        .map(|(_, folder)| folder.clone());
    let mut ours = environment
        .into_iter()
        .filter(|(name, _)| super::sources::is_setting(name))
        .map(|(name, value)| (name, environment::plain(&value).to_owned()))
        .collect::<HashMap<_, _>>();
    for (name, key) in [
        ("DUET_SERVER__TRUSTED_PROXIES", TRUSTED_PROXIES),
        ("DUET_LIMITS__EXEMPT_ADDRESSES", EXEMPT_ADDRESSES),
    ] {
        if let Some(value) = ours.remove(name) {
            config = config.set_override(key, environment::list(&value))?;
        }
    }
    let environment = Environment::with_prefix("DUET")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .source(Some(ours));
    let config = config.add_source(environment);
    let (config, from_files) = with_secrets(config, credentials.as_deref())?;
    Ok((config.build()?, from_files))
}

/// The file with a URL from systemd, if there is one: `LoadCredential=duet.store.url` in the unit.
fn credential(folder: Option<&str>, section: &str) -> Option<String> {
    let file = Path::new(folder?).join(format!("duet.{section}.url"));
    file.exists().then(|| file.display().to_string())
}

/// Overrides the URLs with those from secret files.
fn with_secrets(
    mut config: ConfigBuilder<DefaultState>,
    credentials: Option<&str>,
) -> Result<(ConfigBuilder<DefaultState>, SecretFiles), ConfigError> {
    let known = config.build_cloned()?;
    let mut from_files = Vec::new();
    for section in ["store", "bus"] {
        let named = known.get_string(&format!("{section}.url_file"));
        let named = named.ok().filter(|path| !path.trim().is_empty());
        // The credential wins: it may be a copy of the file in `url_file`, which the service itself must not be able to read.
        let (what, path) = match (credential(credentials, section), named) {
            (Some(path), _) => ("url from systemd", path),
            (None, Some(path)) => ("url_file", path),
            (None, None) => continue,
        };
        let url = files::read(path.trim().as_ref()).map_err(|error| {
            ConfigError(format!(
                "{section}.{what}, {path}, cannot be read: {error}."
            ))
        })?;
        // Some editors begin a file with a byte order mark.
        let url = url.trim_start_matches('\u{feff}');
        let urls = urls::split(url);
        let (key, value) = match urls[..] {
            [] | [_] => (format!("{section}.url"), Value::from(url.trim())),
            _ => (format!("{section}.urls"), Value::from(urls)),
        };
        config = config.set_override(&key, value)?;
        from_files.push((key, path));
    }
    Ok((config, from_files))
}

/// Finds the wrong setting: the one that fails even when all others have their defaults.
fn find_wrong_setting(config: &Config, sources: &Sources, error: LoadError) -> ConfigError {
    for (key, value) in keys::flat(config) {
        let alone = Config::builder()
            .add_source(File::from_str(DEFAULT, FileFormat::Toml))
            .set_override(&key, value.clone())
            .and_then(ConfigBuilder::<DefaultState>::build)
            .and_then(Config::try_deserialize::<Settings>);
        let Err(error) = alone else { continue };
        let place = sources.of(&key);
        if keys::is_secret(&key) {
            // The value may be a secret. The parser's message does not quote it.
            let why = innermost(&error);
            return ConfigError(format!("{key} ({place}) is wrong: {why}."));
        }
        return wrong_value(&key, &value, sources);
    }
    error.into()
}

fn wrong_value(key: &str, value: &Value, sources: &Sources) -> ConfigError {
    let (shown, place) = (keys::shown(key, value), sources.of(key));
    let must_be = must_be(key);
    ConfigError(format!(
        "{key} = {shown} ({place}) is wrong: it must be {must_be}."
    ))
}

fn innermost(error: &LoadError) -> String {
    match error {
        LoadError::At { error, .. } => innermost(error),
        LoadError::Type { .. } => "it must be text".into(),
        other => other.to_string().trim_end_matches('.').into(),
    }
}

impl From<LoadError> for ConfigError {
    fn from(error: LoadError) -> Self {
        let sentence = match error {
            LoadError::At {
                error,
                key: Some(key),
                ..
            } => format!("{key} is wrong: {error}"),
            other => format!("A setting is wrong: {other}"),
        };
        Self(format!("{}.", sentence.trim_end_matches(['.', '\n'])))
    }
}
