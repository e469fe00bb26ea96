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

/// How long the result of one write is reused, a failure too: anybody may ask whether this instance is ready, and
/// must not be able to cause a write each time, nor wait for those of others one after the other.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// Writes to the store now and then to see whether it takes writes.
pub struct StoreProbe {
    store: Arc<dyn Store>,
    up: IntGauge,
    /// When the last write was over, and its result.
    last: Mutex<Option<(Instant, Result<(), StoreError>)>>,
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
            last: Mutex::default(),
        }
    }

    /// Whether the store takes writes. Concurrent callers share one write.
    ///
    /// # Errors
    /// The reason why it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut last = self.last.lock().await;
        if let Some((at, done)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return done.clone();
        }
        let done = self.store.ping().await;
        self.up.set(done.is_ok().into());
        *last = Some((Instant::now(), done.clone()));
        done
    }
}

#[cfg(test)]
mod tests {
    use actors::{
        ports::SystemClock,
        testing::{Call, MemoryStore, eventually},
    };
    use futures_util::future::{join, join_all};

    use super::*;

    #[tokio::test]
    async fn all_who_ask_meanwhile_share_a_write_that_fails() {
        const CALLERS: usize = 20;
        let store = MemoryStore::new(SystemClock);
        let probe = StoreProbe::register(Arc::new(store.clone()), &Registry::new());
        store.fail_next(Call::Other, CALLERS);
        let held = store.hold(Call::Other);
        let asking = join_all((0..CALLERS).map(|_| probe.check()));
        let release = async {
            eventually("the write is under way", || async {
                store.is_waiting(Call::Other)
            })
            .await;
            drop(held);
        };
        let (answers, ()) = join(asking, release).await;
        assert!(answers.iter().all(Result::is_err));
        // One, unless this machine stood still for as long as a result is good.
        assert!(store.calls(Call::Other) < CALLERS);
    }
}
