//! Makes the connections of the pool. While no server is reachable, one of the waiting callers tries to
//! connect, and the others wait for it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bb8::ManageConnection;
use parking_lot::Mutex;
use rand::RngExt;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_postgres::Client;
use tracing::{info, warn};

use super::{
    OpenError,
    connect::Servers,
    errors::{CHECK_URL, passing},
    metrics::PoolMetrics,
    transaction::Statements,
};

/// The pause between two attempts doubles from the first to the second value: short, so that messages flow
/// again as soon as the server is back.
const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_millis(250);
/// While calls wait for a server that does not answer: how often to see whether the URL leads to another one.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A connection, its prepared statements, and the stage of its current call.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Tells apart the servers that a URL leads to, one after the other.
    pub(super) server: String,
    pub(super) statements: Statements,
    /// A call is in progress. If it is dropped, the state of the connection is unknown.
    pub(super) unfinished: bool,
    /// COMMIT was sent and not answered.
    pub(super) committing: bool,
    opened: Instant,
}

/// Opens connections for the pool, and tracks whether the server is reachable.
#[derive(Clone)]
pub(super) struct Manager(Arc<Shared>);

struct Shared {
    servers: Servers,
    metrics: PoolMetrics,
    patience: Duration,
    seen: Mutex<Seen>,
    /// The server of the newest connection.
    server: watch::Sender<String>,
    knocking: tokio::sync::Mutex<()>,
    /// When a connection was opened to see where the URL leads. Held by the one that does.
    looked_at: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Seen {
    /// When the current series of failed attempts to connect began. Older connections may still work.
    failing_since: Option<Instant>,
    /// The first failed attempt since a call was answered.
    away_since: Option<Instant>,
    /// Connections opened before this moment are discarded.
    distrusted_at: Option<Instant>,
}

impl Manager {
    pub(super) fn new(servers: Servers, patience: Duration, metrics: PoolMetrics) -> Self {
        Self(Arc::new(Shared {
            servers,
            metrics,
            patience,
            seen: Mutex::default(),
            server: watch::Sender::default(),
            knocking: tokio::sync::Mutex::default(),
            looked_at: tokio::sync::Mutex::default(),
        }))
    }

    /// How long to wait for a connection: less, the longer the server has been away.
    pub(super) fn patience(&self) -> Duration {
        let away = self.0.seen.lock().away_since.map(|since| since.elapsed());
        self.0.patience.saturating_sub(away.unwrap_or_default())
    }

    /// Discards all connections, each after its current call: the server does not answer, or has become
    /// read-only.
    pub(super) fn discard_all(&self) {
        self.0.seen.lock().distrusted_at = Some(Instant::now());
    }

    /// A call was answered: the server is reachable.
    pub(super) fn answered(&self) {
        self.0.seen.lock().away_since = None;
    }

    /// Waits until the URL leads to another server than this one.
    pub(super) async fn until_moved_from(&self, server: &str) {
        let mut newest = self.0.server.subscribe();
        let moved = |newest: &String| newest != server;
        while timeout(LOOK_EVERY, newest.wait_for(moved)).await.is_err() {
            self.look().await;
        }
    }

    /// Finds out which server the URL leads to. The pool may have no room for another connection, when all of them
    /// wait for a server that hangs.
    async fn look(&self) {
        let mut looked_at = self.0.looked_at.lock().await;
        if looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        if let Ok((_, server)) = self.0.servers.connect().await {
            self.found(&server);
        }
        *looked_at = Some(Instant::now());
    }

    /// Notes the server of the newest connection.
    fn found(&self, server: &str) {
        self.0.server.send_if_modified(|newest| {
            let is_new = newest != server;
            server.clone_into(newest);
            is_new
        });
    }

    async fn attempt(&self) -> Result<Connection, OpenError> {
        let attempt = self.0.servers.connect().await;
        let mut seen = self.0.seen.lock();
        match attempt {
            Ok((client, server)) => {
                self.0.metrics.opened.inc();
                seen.away_since = None;
                if let Some(since) = seen.failing_since.take() {
                    let seconds = since.elapsed().as_secs_f64();
                    info!(seconds, "connections to PostgreSQL are opened again");
                }
                self.found(&server);
                Ok(Connection {
                    client,
                    server,
                    statements: Statements::new(),
                    unfinished: false,
                    committing: false,
                    opened: Instant::now(),
                })
            }
            Err(error) => {
                self.0.metrics.failed.inc();
                let now = Instant::now();
                seen.away_since.get_or_insert(now);
                if seen.failing_since.is_none() {
                    warn!(%error, "connections to PostgreSQL cannot be opened");
                    seen.failing_since = Some(now);
                }
                Err(error)
            }
        }
    }

    async fn reconnect(&self) -> Connection {
        let _alone = self.0.knocking.lock().await;
        let mut backoff = BACKOFF_MIN;
        loop {
            let jittered = backoff.mul_f64(rand::rng().random_range(0.5..1.0));
            sleep(jittered).await;
            match self.attempt().await {
                Ok(connection) => return connection,
                Err(_) => backoff = (backoff * 2).min(BACKOFF_MAX),
            }
        }
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = OpenError;

    async fn connect(&self) -> Result<Connection, OpenError> {
        let is_failing = self.0.seen.lock().failing_since.is_some();
        if !is_failing && let Ok(connection) = self.attempt().await {
            return Ok(connection);
        }
        let knock = timeout(self.0.patience, self.reconnect()).await;
        knock.map_err(|_| passing("no server answers", CHECK_URL))
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), OpenError> {
        match self.has_broken(connection) {
            true => Err(passing("the connection is not used any more", CHECK_URL)),
            false => Ok(()),
        }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.unfinished
            || connection.client.is_closed()
            || self.0.seen.lock().distrusted_at > Some(connection.opened)
    }
}
