//! Lends the pool's connections to calls.
//!
//! A commit may wait for longer than its call, for a standby that is gone or for a disk that hangs. Neither a timeout
//! nor the end of its connection ends it in the server, so its connection stays lent until it is answered. Otherwise
//! every further call would add one to those that the server has.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};

use actors::ports::StoreError;
use bb8::{Pool, PooledConnection, QueueStrategy};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout_at,
};

use super::{
    Result,
    manager::{Connection, Manager},
    metrics::PoolMetrics,
};

/// Why nothing can be written while the connections for it are lent.
const UNANSWERED: &str =
    "PostgreSQL has not answered what was written before; a standby that it waits for may be away";

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Reading,
    Writing,
}

/// The connections of one instance.
pub(super) struct Lender {
    pool: Pool<Manager>,
    manager: Manager,
    metrics: PoolMetrics,
    /// A quarter of the connections is for reading alone.
    writing: Arc<Semaphore>,
}

impl Lender {
    pub(super) fn new(
        manager: Manager,
        size: u32,
        patience: Duration,
        metrics: PoolMetrics,
    ) -> Self {
        let pool = Pool::builder()
            .max_size(size)
            .connection_timeout(patience)
            // The manager retries itself, once for all waiting callers.
            .retry_connection(false)
            // The most recently used first, so that few connections stay busy and keep their plans cached.
            .queue_strategy(QueueStrategy::Lifo)
            .build_unchecked(manager.clone());
        let writing = size - (size / 4).max(1).min(size - 1);
        Self {
            pool,
            manager,
            metrics,
            writing: Arc::new(Semaphore::new(writing as usize)),
        }
    }

    pub(super) async fn lend(&self, kind: Kind, give_up: Instant) -> Result<Lent> {
        let writing = match kind {
            Kind::Reading => None,
            Kind::Writing => {
                let writing = self.writing.clone().acquire_owned();
                let writing = timeout_at(give_up.into(), writing).await;
                writing.map_err(|_| unavailable(UNANSWERED))?.ok()
            }
        };
        let lent = timeout_at(give_up.into(), self.pool.get_owned()).await;
        let state = self.pool.state();
        self.metrics.connections.set(state.connections.into());
        self.metrics.idle.set(state.idle_connections.into());
        match lent {
            Ok(Ok(connection)) => Ok(Lent {
                connection: Some(connection),
                writing,
                manager: self.manager.clone(),
            }),
            Ok(Err(_)) | Err(_) => Err(unavailable("there is no connection to PostgreSQL")),
        }
    }
}

fn unavailable(why: &'static str) -> StoreError {
    StoreError::Unavailable(why.into())
}

/// A connection that is lent to a call.
pub(super) struct Lent {
    /// There until the drop.
    connection: Option<PooledConnection<'static, Manager>>,
    writing: Option<OwnedSemaphorePermit>,
    manager: Manager,
}

impl Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("there until the drop")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("there until the drop")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (Some(connection), Some(writing)) = (self.connection.take(), self.writing.take())
        else {
            return;
        };
        if connection.unfinished
            && let Ok(runtime) = Handle::try_current()
        {
            let manager = self.manager.clone();
            runtime.spawn(async move {
                tokio::select! {
                    // Answered only after everything that was asked before.
                    _ = connection.client.simple_query("") => {}
                    () = manager.until_moved_from(&connection.server) => {}
                }
                drop((connection, writing));
            });
        }
    }
}
