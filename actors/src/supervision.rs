//! Tasks that go on for ever. One that panics or ends is started again after a pause; it is counted,
//! and while it does not run the instance is not ready.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use prometheus::{IntCounterVec, Opts, Registry};
use tracing::{error, info};

use crate::metrics::register;

/// The pause before a task is started again doubles from the one to the other while it keeps failing.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A task that has run for so long is trusted again.
const TRUSTED_AFTER: Duration = Duration::from_secs(60);

/// The tasks of one instance. Clones are the same.
#[derive(Clone)]
pub struct Tasks {
    /// The names of those that do not run now.
    down: Arc<Mutex<Vec<&'static str>>>,
    restarts: IntCounterVec,
}

impl Tasks {
    /// None yet.
    ///
    /// # Panics
    /// When the registry holds the metric already: a defect of the caller.
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

    /// The names of those that do not run now and are about to be started again.
    pub fn down(&self) -> Vec<&'static str> {
        self.lock().clone()
    }

    /// Runs a task for ever: whenever it panics or ends, `start` makes it again.
    pub async fn keep<F: Future<Output = ()>>(&self, name: &'static str, start: impl Fn() -> F) {
        self.keep_while(name, || true, start).await;
    }

    /// Runs a task for as long as it is needed.
    pub async fn keep_while<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        needed: impl Fn() -> bool,
        start: impl Fn() -> F,
    ) {
        // So that the series is there before anything has happened.
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
            self.lock().push(name);
            if started.elapsed() >= TRUSTED_AFTER {
                pause = PAUSE_MIN;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
            info!(task = name, "the task runs again");
            let mut down = self.lock();
            if let Some(place) = down.iter().position(|of| *of == name) {
                down.swap_remove(place);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs something that may panic, and keeps the panic from its caller. Answers what it said.
pub(crate) async fn catch_panic<T>(work: impl Future<Output = T>) -> Result<T, String> {
    // What a panic leaves half done is behind the adapter it happened in, or goes with the work.
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("it panicked: {}", text.unwrap_or("for no stated reason"))
    })
}

/// The same for something that is done at once.
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
            () = tasks.keep("sweep", run) => panic!("it runs for ever"),
            () = watch => {}
        }
        assert!(tasks.down().is_empty());
        assert_eq!(tasks.restarts.with_label_values(&["sweep"]).get(), 2);
    }
}
