//! Whether the store takes writes, for the health check and the gauge.

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

/// How long a write that succeeded answers for the next ones: anybody may ask whether this instance
/// is ready, and must not make it write at will.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// Writes to the store to see whether it takes writes.
pub struct StoreProbe {
    store: Arc<dyn Store>,
    up: IntGauge,
    last_success: Mutex<Option<Instant>>,
}

impl StoreProbe {
    /// A probe of this store, whose gauge is on this registry.
    ///
    /// # Panics
    /// When the registry has the gauge already: a defect of the caller.
    pub fn register(store: Arc<dyn Store>, registry: &Registry) -> Self {
        let up = IntGauge::new(
            "duet_store_up",
            "Whether the store took the last write that tried it (1) or not (0).",
        );
        Self {
            store,
            up: register(registry, up),
            last_success: Mutex::default(),
        }
    }

    /// Whether the store takes writes. Those who ask at the same time share one write.
    ///
    /// # Errors
    /// Why it takes none.
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
