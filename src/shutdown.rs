//! Shuts an instance down in order: readiness off, sockets closed, streams moved, requests finished, deferred
//! writes stored, the other instances notified.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use actors::{PairRegistry, Tasks, metrics::register};
use futures_util::future::join_all;
use prometheus::{Gauge, IntGauge, Registry};
use tokio::{
    signal::unix::{Signal, SignalKind, signal as unix_signal},
    sync::oneshot,
};

use crate::{config, http::Server, store::StoreProbe};

/// The part of the drain in which streams are moved; the rest is for the requests.
const MOVING: f64 = 0.75;
/// How long the clients of the streams moved last may take to reconnect elsewhere.
const COMING_BACK: Duration = Duration::from_secs(2);
/// A second signal counts only after this long.
const INSISTENCE: Duration = Duration::from_secs(1);

/// Whether this instance accepts new requests, as load balancers learn from its health check.
#[derive(Clone)]
pub struct Readiness {
    draining: Arc<AtomicBool>,
    gauge: IntGauge,
    since: Gauge,
    /// The tasks, all of which have to run.
    pub tasks: Tasks,
    /// Asks the store whether it takes writes.
    pub store: Arc<StoreProbe>,
}

impl Readiness {
    /// Starts as ready.
    ///
    /// # Panics
    /// When the metric is registered already, which is a bug of the caller.
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

    /// Whether the instance is draining.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
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
    /// Replaces the default action of the signals, which is to kill the process.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix_signal(SignalKind::terminate())?,
            interrupt: unix_signal(SignalKind::interrupt())?,
        })
    }

    /// Resolves at the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Sends the first signal to `stop`, and resolves at a second one: whoever sends it does not want to
    /// wait. Signals in quick succession count as one; GNU timeout, for one, sends two.
    pub async fn second_signal(&mut self, stop: oneshot::Sender<()>) {
        self.next().await;
        // The receiver is gone if the server stopped by itself.
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

/// The most that a shutdown takes while the store is reachable.
pub fn longest(settings: &config::Server) -> Duration {
    Duration::from_secs(settings.leave_seconds + settings.drain_seconds) + COMING_BACK
}

/// Shuts everything down. Load balancers get time to notice before any stream ends: a client that is sent
/// away too early would reconnect here.
pub async fn drain(
    settings: &config::Server,
    readiness: &Readiness,
    pairs: &PairRegistry,
    servers: &[Server],
) {
    readiness.drain();
    tokio::time::sleep(Duration::from_secs(settings.leave_seconds)).await;
    // Accepts no more connections, closes idle ones, and the others after their current request: streams may
    // stay open up to the server's own deadline.
    let closed = join_all(servers.iter().map(Server::stop));
    let moving = Duration::from_secs(settings.drain_seconds).mul_f64(MOVING);
    tokio::select! {
        _ = closed => {}
        () = pairs.move_streams(moving) => {}
    }
    pairs.flush_deferred().await;
    if settings.leave_seconds > 0 {
        // So that nobody is announced as offline who is only moving to another instance.
        tokio::time::sleep(COMING_BACK).await;
    }
    pairs.bus().leave().await;
}
