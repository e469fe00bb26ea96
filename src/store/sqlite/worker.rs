//! A thread with its own connection that runs calls one after the other.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use actors::ports::StoreError;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::Result;

/// Calls that may be queued for one thread.
const QUEUE_LEN_MAX: usize = 10_000;
/// How long a caller waits before the store counts as unreachable.
const DEADLINE: Duration = Duration::from_secs(10);

/// Gets the connection, or takes it to close it.
type Job = Box<dyn FnOnce(&mut Option<Connection>) + Send>;

/// A handle to such a thread. The thread ends when it is closed or the last handle is dropped.
#[derive(Clone)]
pub(super) struct Worker(mpsc::Sender<Job>);

impl Worker {
    pub(super) fn start(name: &str, connection: Connection) -> std::io::Result<Self> {
        // Unlike the bounded channel of `std` it takes memory for what is queued, not for what may be.
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE_LEN_MAX);
        let mut connection = Some(connection);
        thread::Builder::new().name(name.into()).spawn(move || {
            while connection.is_some()
                && let Some(job) = queue.blocking_recv()
            {
                // A panic affects its caller alone: dropping its `answer` reports it, and the open transaction is
                // rolled back.
                drop(catch_unwind(AssertUnwindSafe(|| job(&mut connection))));
            }
        })?;
        Ok(Self(jobs))
    }

    /// Runs `work` on the thread and returns its result.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(|connection| connection.as_mut().map(work)).await
    }

    /// Runs the calls queued before, then closes the connection and ends the thread.
    pub(super) async fn close(&self) -> Result<()> {
        self.run(|connection| {
            let closed = connection.take()?.close();
            Some(closed.map_err(|(_, error)| error))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Option<Connection>) -> Option<rusqlite::Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move |connection: &mut Option<Connection>| {
            // The caller may have given up.
            let _ = work(connection).map(|done| answer.send(done));
        });
        self.0.try_send(job).map_err(|refused| {
            StoreError::Unavailable(match refused {
                TrySendError::Full(_) => "SQLite's queue is full".into(),
                TrySendError::Closed(_) => "SQLite's thread has ended".into(),
            })
        })?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(done)) => done.map_err(store_error),
            Ok(Err(_)) => Err(StoreError::Unavailable("SQLite's thread has ended".into())),
            Err(_) => Err(StoreError::Unavailable("SQLite took too long".into())),
        }
    }
}

/// Errors of the disk or by locks of other processes may pass; a statement that cannot be executed never
/// will.
fn store_error(error: rusqlite::Error) -> StoreError {
    use ErrorCode as C;
    match error.sqlite_error_code() {
        Some(C::DiskFull) => StoreError::NoRoom(error.to_string()),
        Some(
            C::CannotOpen
            | C::DatabaseBusy
            | C::DatabaseLocked
            | C::OperationInterrupted
            | C::OutOfMemory
            | C::PermissionDenied
            | C::ReadOnly
            | C::SystemIoFailure,
        ) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_panics_fails_for_its_caller_only() {
        let worker = Worker::start("sqlite-test", Connection::open_in_memory().unwrap()).unwrap();
        let make = "CREATE TABLE numbers (number INTEGER)";
        worker.call(|open| open.execute(make, [])).await.unwrap();
        let insert = "INSERT INTO numbers VALUES (1)";
        let panicked: Result<()> = worker
            .call(|open| {
                let tx = open.transaction()?;
                tx.execute(insert, [])?;
                panic!("in the middle of a transaction")
            })
            .await;
        assert!(matches!(panicked, Err(StoreError::Unavailable(_))));
        let count = "SELECT count(*) FROM numbers";
        let counted: i64 = worker
            .call(|open| {
                open.execute(insert, [])?;
                open.query_row(count, [], |row| row.get(0))
            })
            .await
            .unwrap();
        assert_eq!(counted, 1);
    }
}
