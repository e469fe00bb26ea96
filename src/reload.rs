//! Reloads the certificate and the log filter on SIGHUP. Everything else needs a restart.

use std::{path::PathBuf, sync::Arc};

use tokio::signal::unix::Signal;
use tracing::{info, warn};

use crate::{
    config::{self, Settings},
    http::tls::Identity,
    telemetry::LogControl,
};

/// Reloads what the settings name.
pub struct Reload {
    file: Option<PathBuf>,
    log: LogControl,
    filter: String,
}

impl Reload {
    /// `file` is the settings file, and `settings` its content at the start.
    pub fn new(file: Option<PathBuf>, log: LogControl, settings: &Settings) -> Self {
        Self {
            file,
            log,
            filter: settings.log.filter.clone(),
        }
    }

    /// Reloads on every signal.
    pub async fn watch(mut self, mut hangup: Signal, identity: Option<Arc<Identity>>) {
        while hangup.recv().await.is_some() {
            let was_reported = self.read_filter();
            match &identity {
                Some(identity) => identity.reload(),
                None if was_reported => {}
                None => info!(
                    "SIGHUP: there is nothing to reload. The certificate of server.tls_cert and \
                     log.filter are read again; other settings need a restart"
                ),
            }
        }
    }

    /// Returns whether a change, or a failure, was logged.
    fn read_filter(&mut self) -> bool {
        let settings = config::environment()
            .and_then(|environment| Settings::load(self.file.as_deref(), environment));
        let settings = match settings {
            Ok(settings) => settings,
            Err(error) => {
                warn!(%error, "the settings cannot be read again; those in force stay");
                return true;
            }
        };
        if settings.log.filter == self.filter {
            return false;
        }
        self.filter = settings.log.filter;
        // Logged first: the new filter may hide it.
        info!(filter = self.filter, "the log filter is changed");
        self.log.set_filter(&self.filter);
        true
    }
}
