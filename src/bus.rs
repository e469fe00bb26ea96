//! The courier between instances.

mod local;
mod redis;

use std::sync::Arc;

use actors::ports::{Bus, BusError};

use crate::config::BusUrl;

pub use local::{Hub, LocalBus};
pub use redis::RedisBus;

/// Starts the bus. Must be called inside an actix system.
///
/// # Errors
/// [`BusError`] when its address cannot be used.
pub fn open(url: &BusUrl) -> Result<Arc<dyn Bus>, BusError> {
    Ok(match url {
        BusUrl::Local => Arc::new(LocalBus::attach(&Hub::default())),
        BusUrl::Redis(url) => Arc::new(RedisBus::start(url)?),
    })
}
