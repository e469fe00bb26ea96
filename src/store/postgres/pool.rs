//! Calls: on a pooled connection, within a deadline, and retried where that is safe.

use std::time::{Duration, Instant};

use actors::ports::StoreError;
use futures_util::future::try_join_all;
use tokio::time::timeout;
use tokio_postgres::{Client, Error, Row, error::SqlState, types::ToSql};

use super::{
    OpenError, Result,
    connect::Servers,
    errors::describe,
    lending::{Kind, Lender},
    manager::{Connection, Manager},
    metrics::PoolMetrics,
    session::Session,
    transaction::{Transaction, prepared},
};
use crate::config::{self, PostgresUrl};

/// Parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The pool of one instance.
pub(super) struct Connections {
    lender: Lender,
    manager: Manager,
    metrics: PoolMetrics,
    deadline: Duration,
}

impl Connections {
    pub(super) fn new(
        url: &PostgresUrl,
        settings: &config::Store,
        metrics: PoolMetrics,
    ) -> Result<Self, OpenError> {
        let patience = Duration::from_secs(settings.connect_seconds);
        let deadline = Duration::from_secs(settings.call_seconds);
        let servers = Servers::new(url, patience, Session::for_calls(deadline))?;
        let manager = Manager::new(servers, patience, metrics.clone());
        let (size, of_pool) = (settings.pool_size, metrics.clone());
        let lender = Lender::new(manager.clone(), size, patience, of_pool);
        Ok(Self {
            lender,
            manager,
            metrics,
            deadline,
        })
    }

    /// Runs one statement that only reads, prepared once per connection, and returns its rows.
    pub(super) async fn query(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>> {
        let [rows] = self.queries([(sql, params)]).await?;
        Ok(rows)
    }

    /// Like `query`, for several independent statements. They are pipelined and run in this order.
    pub(super) async fn queries<const N: usize>(
        &self,
        asked: [(&'static str, Params<'_>); N],
    ) -> Result<[Vec<Row>; N]> {
        self.statements(Kind::Reading, asked).await
    }

    /// Like `query`, for an idempotent statement that writes.
    pub(super) async fn write(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>> {
        let [rows] = self.statements(Kind::Writing, [(sql, params)]).await?;
        Ok(rows)
    }

    async fn statements<const N: usize>(
        &self,
        kind: Kind,
        asked: [(&'static str, Params<'_>); N],
    ) -> Result<[Vec<Row>; N]> {
        self.call(kind, async |connection| {
            let mut answers = Vec::with_capacity(N);
            for (sql, params) in asked {
                let statement = prepared(&connection.client, &mut connection.statements, sql);
                answers.push((statement.await?, params));
            }
            let client = &connection.client;
            let answers = answers
                .iter()
                .map(|(statement, params)| client.query(statement, params));
            let answers = try_join_all(answers).await?;
            Ok(answers.try_into().expect("every statement is answered"))
        })
        .await
    }

    /// Runs several statements as one transaction, which is retried from its start if it fails before the
    /// commit.
    pub(super) async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, Error> + Clone,
    ) -> Result<T> {
        self.call(Kind::Writing, async |connection| {
            let (client, statements) = (&mut connection.client, &mut connection.statements);
            let mut transaction = Transaction::begin(client, statements).await?;
            let done = work.clone()(&mut transaction).await?;
            connection.committing = true;
            transaction.commit().await?;
            connection.committing = false;
            Ok(done)
        })
        .await
    }

    async fn call<T>(
        &self,
        kind: Kind,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, Error> + Clone,
    ) -> Result<T> {
        let give_up = Instant::now() + self.manager.patience();
        loop {
            let mut connection = self.lender.lend(kind, give_up).await?;
            connection.unfinished = true;
            let Ok(done) = timeout(self.deadline, work.clone()(&mut connection)).await else {
                // The server cancels what takes too long. A server that does not even do that is unreachable,
                // for the other connections too.
                self.manager.discard_all();
                return Err(StoreError::Unavailable("PostgreSQL does not answer".into()));
            };
            let error = match done {
                Ok(done) => {
                    connection.unfinished = false;
                    self.manager.answered();
                    return Ok(done);
                }
                Err(error) => error,
            };
            let failure = Failure::of(&error, &connection.client);
            // An error response to a commit means that nothing was committed.
            connection.unfinished = failure == Failure::Lost;
            let done_perhaps = failure == Failure::Lost && connection.committing;
            connection.committing = false;
            if failure == Failure::ReadOnly {
                self.manager.discard_all();
            }
            if !failure.may_pass() || done_perhaps || Instant::now() >= give_up {
                return Err(failure.into_store_error(&error));
            }
            self.metrics.retries.inc();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The connection is lost.
    Lost,
    /// The server has become read-only.
    ReadOnly,
    /// A deadlock or serialization failure; this call was aborted.
    Conflict,
    /// The server will always refuse this.
    Refused,
    /// The server could not do it.
    Unable,
}

impl Failure {
    fn of(error: &Error, client: &Client) -> Self {
        let Some(code) = error.code() else {
            return match error.is_closed() || client.is_closed() {
                true => Failure::Lost,
                false => Failure::Unable,
            };
        };
        match *code {
            SqlState::READ_ONLY_SQL_TRANSACTION => Failure::ReadOnly,
            SqlState::LOCK_NOT_AVAILABLE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::T_R_SERIALIZATION_FAILURE => Failure::Conflict,
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Failure::Lost,
            // Data exceptions, constraint violations and damaged tables: the rows of one chat are the cause,
            // and the calls for other chats are made without it.
            _ if ["22", "23", "XX"]
                .iter()
                .any(|class| code.code().starts_with(class)) =>
            {
                Failure::Refused
            }
            _ => Failure::Unable,
        }
    }

    /// Whether the same call may succeed if it is made again at once.
    fn may_pass(self) -> bool {
        matches!(self, Failure::Lost | Failure::ReadOnly | Failure::Conflict)
    }

    fn into_store_error(self, error: &Error) -> StoreError {
        let told = describe(error);
        match self {
            Failure::Refused => StoreError::Refused(told),
            _ => StoreError::Unavailable(told),
        }
    }
}
