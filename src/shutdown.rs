//! How an instance goes: not ready, streams told to move, requests finished, exit.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::dev::ServerHandle;
use actors::Directory;
use tokio::signal::unix::{SignalKind, signal as unix_signal};

/// Whether this instance wants new requests; the health check tells load balancers.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Whether the instance is on its way out.
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn drain(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Ready when the process is told to stop.
pub async fn signal() {
    let mut terminate = unix_signal(SignalKind::terminate()).expect("SIGTERM can be listened to");
    let mut interrupt = unix_signal(SignalKind::interrupt()).expect("SIGINT can be listened to");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Takes everything down in order. Streams end, to be opened again elsewhere; requests finish
/// within the drain time; what was only in memory is written.
pub async fn drain(readiness: &Readiness, directory: &Directory, servers: &[ServerHandle]) {
    readiness.drain();
    directory.end_streams();
    for server in servers {
        server.stop(true).await;
    }
    directory.write_notes().await;
}
