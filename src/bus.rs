//! The bus: carries notices between instances.

mod local;
mod redis;

use std::sync::Arc;

use actors::{Tasks, ports::Bus};
use prometheus::Registry;

use crate::config::{self, BusUrl};

pub use local::LocalBus;
pub use redis::{RedisBus, wire};

/// Why the bus cannot be used, in one sentence, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// Starts the bus, with its metrics on the registry. Must be called inside an actix system.
///
/// # Errors
/// [`OpenError`] says what is wrong.
pub async fn open(
    settings: &config::Bus,
    registry: &Registry,
    tasks: &Tasks,
) -> Result<Arc<dyn Bus>, OpenError> {
    Ok(match &settings.url {
        BusUrl::Local => Arc::new(LocalBus),
        BusUrl::Redis(url) => {
            Arc::new(RedisBus::start(url, settings.tls_ca.as_deref(), registry, tasks).await?)
        }
    })
}
