//! The lock of an instance with a local bus, which must be the only one on its database.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use super::{connect_once, in_time, inspect};
use crate::{config::PostgresUrl, store::OpenError};

/// The advisory lock. An arbitrary number that nothing else in the database may use.
const SERVING_LOCK: i64 = 0x6475_6574_0002;
/// How often the lock is checked, and how long a check may take.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_DEADLINE: Duration = Duration::from_secs(2);

/// Holds a database for one process until it is dropped. The lock is lost with its connection; then it is
/// taken again, unless another process was faster.
#[derive(Debug)]
pub struct DatabaseLock {
    _keeper: AbortOnDropHandle<()>,
    lost: oneshot::Receiver<OpenError>,
}

impl DatabaseLock {
    /// Takes the lock on a connection of its own.
    ///
    /// # Errors
    /// [`OpenError`] names the process that holds it.
    pub async fn take(url: &PostgresUrl) -> Result<Self, OpenError> {
        // With a pooler the lock would stay in a session that others use.
        let client = connect_once(url).await?;
        in_time(inspect::sessions(&client, url)).await?;
        let held = in_time(acquire(url, None)).await?.ok_or_else(another)?;
        let (tell, lost) = oneshot::channel();
        let keeper = tokio::spawn(keep(url.clone(), held, tell));
        Ok(Self {
            _keeper: AbortOnDropHandle::new(keeper),
            lost,
        })
    }

    /// Resolves when another process serves the database.
    pub async fn lost(&mut self) -> OpenError {
        match (&mut self.lost).await {
            Ok(error) => error,
            // The keeper ends when the lock is lost, or when `self` is dropped.
            Err(_) => std::future::pending().await,
        }
    }
}

struct Held {
    client: Client,
    pid: i32,
    since: String,
}

async fn keep(url: PostgresUrl, mut held: Held, tell: oneshot::Sender<OpenError>) {
    loop {
        while is_held(&held).await {
            sleep(LOOK).await;
        }
        warn!("the connection that held the database for this instance is lost");
        held = loop {
            match in_time(acquire(&url, Some(&held))).await {
                Ok(Some(held)) => break held,
                Ok(None) => {
                    // Sending fails only if the app is already stopping.
                    let _ = tell.send(another());
                    return;
                }
                // Without the server no process can serve the database.
                Err(_) => sleep(LOOK).await,
            }
        };
    }
}

/// A demoted server does not know the locks of the new primary.
async fn is_held(held: &Held) -> bool {
    let asked = held.client.query_one("SELECT pg_is_in_recovery()", &[]);
    matches!(timeout(LOOK_DEADLINE, asked).await, Ok(Ok(row)) if !row.get::<_, bool>(0))
}

/// `None` when another process has the lock. Ends the session that held it for this process before, in case
/// the server has not noticed that its connection is gone.
async fn acquire(url: &PostgresUrl, before: Option<&Held>) -> Result<Option<Held>, OpenError> {
    let client = connect_once(url).await?;
    // After SET ROLE, the start time of the own session may be hidden.
    client.batch_execute("SET ROLE NONE").await?;
    if let Some(before) = before {
        let end = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
                   WHERE pid = $1 AND backend_start::text = $2";
        client.execute(end, &[&before.pid, &before.since]).await?;
    }
    let take = "SELECT pid, backend_start::text FROM pg_stat_activity
                WHERE pid = pg_backend_pid() AND pg_try_advisory_lock($1)";
    let Some(row) = client.query_opt(take, &[&SERVING_LOCK]).await? else {
        return Ok(None);
    };
    let (pid, since) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some(Held { client, pid, since }))
}

fn another() -> OpenError {
    OpenError::wrong(
        "Another duet serves this database already, and with bus.url = \"local\" they would not \
         hear each other. Set bus.url to a Redis server in both, or stop one."
            .into(),
    )
}
