//! What is read again at SIGHUP: the certificate and the log filter. Everything else needs a restart.

use std::{path::PathBuf, sync::Arc};

use tokio::signal::unix::Signal;
use tracing::{info, warn};

use crate::{config::Settings, http::tls::Identity, telemetry::LogControl};

/// Reads again what the settings name.
pub struct Reload {
    file: Option<PathBuf>,
    log: LogControl,
    filter: String,
}

impl Reload {
    /// `file` is where the settings came from, and `settings` what it said.
    pub fn new(file: Option<PathBuf>, log: LogControl, settings: &Settings) -> Self {
        Self {
            file,
            log,
            filter: settings.log.filter.clone(),
        }
    }

    /// Does so at every signal.
    pub async fn watch(mut self, mut hangup: Signal, identity: Option<Arc<Identity>>) {
        while hangup.recv().await.is_some() {
            let changed = self.read_filter();
            match &identity {
                Some(identity) => identity.reload(),
                None if changed => {}
                None => info!(
                    "SIGHUP: there is nothing to reload. The certificate of server.tls_cert and \
                     log.filter are read again; other settings need a restart"
                ),
            }
        }
    }

    /// Answers whether the filter was changed.
    fn read_filter(&mut self) -> bool {
        let settings = match Settings::load(self.file.as_deref(), std::env::vars()) {
            Ok(settings) => settings,
            Err(error) => {
                warn!(%error, "the settings cannot be read again; those in force stay");
                return false;
            }
        };
        if settings.log.filter == self.filter {
            return false;
        }
        self.filter = settings.log.filter;
        // First, since the new filter may not let it pass.
        info!(filter = self.filter, "the log filter is changed");
        self.log.set_filter(&self.filter);
        true
    }
}
