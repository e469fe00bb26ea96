//! How an instance goes: not ready, sockets closed, streams moved, requests finished, deferred writes stored,
//! the other instances told.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use actors::{PairRegistry, Tasks, metrics::register, ports::StoreError};
use futures_util::future::join_all;
use prometheus::{Gauge, IntGauge, Registry};
use tokio::{
    signal::unix::{Signal, SignalKind, signal as unix_signal},
    sync::oneshot,
};

use crate::{config, http::Server, store::StoreProbe};

/// The part of the drain in which streams are moved; the rest is for the requests.
const MOVING: f64 = 0.75;
/// How long those who were moved last may take to be back elsewhere.
const COMING_BACK: Duration = Duration::from_secs(2);
/// A second signal to stop counts from so long after the first.
const INSISTENCE: Duration = Duration::from_secs(1);

/// Whether this instance wants new requests; the health check tells load balancers.
#[derive(Clone)]
pub struct Readiness {
    draining: Arc<AtomicBool>,
    gauge: IntGauge,
    since: Gauge,
    tasks: Tasks,
    store: Arc<StoreProbe>,
}

impl Readiness {
    /// Wants them.
    ///
    /// # Panics
    /// When the registry holds the metric already: a defect of the caller.
    pub fn register(registry: &Registry, tasks: Tasks, store: StoreProbe) -> Self {
        let help = "Whether the instance is on its way out (1) or not (0).";
        let since = "When the instance was told to stop, in seconds since 1970; 0 before.";
        Self {
            draining: Arc::default(),
            gauge: register(registry, IntGauge::new("duet_draining", help)),
            since: register(registry, Gauge::new("duet_draining_since_seconds", since)),
            tasks,
            store: Arc::new(store),
        }
    }

    /// Whether the store takes writes.
    ///
    /// # Errors
    /// Why it takes none.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.store.check().await
    }

    /// Whether the instance is on its way out.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The tasks that do not run and are about to be started again.
    pub fn tasks_down(&self) -> Vec<&'static str> {
        self.tasks.down()
    }

    fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.gauge.set(1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.since.set(now.unwrap_or_default().as_secs_f64());
    }
}

/// The signals that tell the process to stop: SIGTERM and SIGINT.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From now on they do not kill the process any more.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix_signal(SignalKind::terminate())?,
            interrupt: unix_signal(SignalKind::interrupt())?,
        })
    }

    /// Ready at the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Says the first one to `stop`, and is ready when somebody insists: whoever does so does not
    /// want to wait. Some programs, GNU timeout among them, send the first one twice.
    pub async fn insisted(&mut self, stop: oneshot::Sender<()>) {
        self.next().await;
        // Nobody listens any more where it stops by itself.
        let _ = stop.send(());
        let first = Instant::now();
        loop {
            self.next().await;
            if first.elapsed() >= INSISTENCE {
                return;
            }
        }
    }
}

/// How long taking everything down takes at most, with the store there to write to.
pub fn longest(settings: &config::Server) -> Duration {
    Duration::from_secs(settings.leave_seconds + settings.drain_seconds) + COMING_BACK
}

/// Takes everything down in order. Load balancers get time to look elsewhere before anybody is
/// turned away: a stream that ends too early comes straight back.
pub async fn drain(
    settings: &config::Server,
    readiness: &Readiness,
    pairs: &PairRegistry,
    servers: &[Server],
) {
    readiness.drain();
    tokio::time::sleep(Duration::from_secs(settings.leave_seconds)).await;
    // No connection is accepted any more, idle ones are closed, and the others after what they are
    // busy with: streams for as long as they are open, up to the server's own deadline.
    let closed = join_all(servers.iter().map(Server::stop));
    let moving = Duration::from_secs(settings.drain_seconds).mul_f64(MOVING);
    tokio::select! {
        _ = closed => {}
        () = pairs.move_streams(moving) => {}
    }
    pairs.flush_deferred().await;
    if settings.leave_seconds > 0 {
        // Nobody is seen to go who is only on the way to another instance.
        tokio::time::sleep(COMING_BACK).await;
    }
    pairs.bus().leave().await;
}
