//! Supervises tasks that run for ever. One that panics or returns is counted and started again after a pause;
//! until then the instance is not ready.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use parking_lot::Mutex;
use prometheus::{IntCounterVec, Opts, Registry};
use tracing::{error, info};

use crate::metrics::register;

/// The pause before a restart. It doubles from the minimum to the maximum while the task keeps failing.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// After running this long the pause starts from the minimum again.
const PAUSE_RESET_AFTER: Duration = Duration::from_secs(60);

/// The tasks of one instance. Clones share their state.
#[derive(Clone)]
pub struct Tasks {
    /// The names of the tasks that are down.
    down: Arc<Mutex<Vec<&'static str>>>,
    restarts: IntCounterVec,
}

impl Tasks {
    /// No tasks yet.
    ///
    /// # Panics
    /// When the metric is registered already: a bug in the caller.
    pub fn register(registry: &Registry) -> Self {
        let opts = Opts::new(
            "duet_task_restarts_total",
            "Tasks started again after they panicked or ended, by name.",
        );
        Self {
            down: Arc::default(),
            restarts: register(registry, IntCounterVec::new(opts, &["task"])),
        }
    }

    /// The names of the tasks that are down and about to be restarted.
    pub fn down(&self) -> Vec<&'static str> {
        self.down.lock().clone()
    }

    /// Runs a task for ever: whenever it panics or returns, `start` creates it again.
    pub async fn supervise<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        start: impl Fn() -> F,
    ) {
        self.supervise_while(name, || true, start).await;
    }

    /// The same, until the task ends and is not `needed` any more.
    pub async fn supervise_while<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        needed: impl Fn() -> bool,
        start: impl Fn() -> F,
    ) {
        // Creates the series, so that it is 0 before the first restart.
        let restarts = self.restarts.with_label_values(&[name]);
        let mut pause = PAUSE_MIN;
        loop {
            let started = Instant::now();
            let ended = catch_panic(async { start().await }).await;
            if !needed() {
                return;
            }
            let why = ended.err().unwrap_or_else(|| "it ended".into());
            error!(task = name, why, "a task stopped; it is started again");
            restarts.inc();
            self.down.lock().push(name);
            if started.elapsed() >= PAUSE_RESET_AFTER {
                pause = PAUSE_MIN;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
            info!(task = name, "the task runs again");
            let mut down = self.down.lock();
            if let Some(place) = down.iter().position(|of| *of == name) {
                down.swap_remove(place);
            }
        }
    }
}

/// Runs a future and turns a panic into an error with the panic's message.
pub(crate) async fn catch_panic<T>(work: impl Future<Output = T>) -> Result<T, String> {
    // Unwind-safe: state that a panic leaves inconsistent is inside the adapter or dropped with the future.
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("it panicked: {}", text.unwrap_or("for no stated reason"))
    })
}

/// The same for a synchronous call.
pub(crate) fn catch_panic_in(work: impl FnOnce()) -> Result<(), String> {
    catch_panic(async { work() })
        .now_or_never()
        .expect("it does not wait")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_or_ends_runs_again_and_is_counted() {
        let tasks = Tasks::register(&Registry::new());
        let starts = AtomicUsize::new(0);
        let run = async || match starts.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("the first time"),
            1 => {}
            _ => std::future::pending().await,
        };
        let watch = async {
            while tasks.down().is_empty() {
                tokio::task::yield_now().await;
            }
            assert_eq!(tasks.down(), ["sweep"]);
            while starts.load(Ordering::Relaxed) < 3 {
                tokio::time::sleep(PAUSE_MIN).await;
            }
        };
        tokio::select! {
            () = tasks.supervise("sweep", run) => panic!("it runs for ever"),
            () = watch => {}
        }
        assert!(tasks.down().is_empty());
        assert_eq!(tasks.restarts.with_label_values(&["sweep"]).get(), 2);
    }
}
