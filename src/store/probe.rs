//! Whether the store takes writes, for health checks and a gauge.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actors::{
    metrics::register,
    ports::{Store, StoreError},
};
use prometheus::{IntGauge, Registry};
use tokio::sync::Mutex;

/// How long the result of one write is reused: anybody may ask whether this instance is ready, and must not
/// be able to cause a write each time.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// Writes to the store now and then to see whether it takes writes.
pub struct StoreProbe {
    store: Arc<dyn Store>,
    up: IntGauge,
    last_success: Mutex<Option<Instant>>,
}

impl StoreProbe {
    /// A probe of this store that registers its gauge on `registry`.
    ///
    /// # Panics
    /// When it is registered already, which is a bug of the caller.
    pub fn register(store: Arc<dyn Store>, registry: &Registry) -> Self {
        let up = IntGauge::new(
            "duet_store_up",
            "Whether the last test write to the store succeeded (1) or not (0).",
        );
        Self {
            store,
            up: register(registry, up),
            last_success: Mutex::default(),
        }
    }

    /// Whether the store takes writes. Concurrent callers share one write.
    ///
    /// # Errors
    /// The reason why it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut last = self.last_success.lock().await;
        if last.is_some_and(|last| last.elapsed() < GOOD_FOR) {
            return Ok(());
        }
        let done = self.store.ping().await;
        self.up.set(done.is_ok().into());
        *last = done.is_ok().then(Instant::now);
        done
    }
}
