//! Connections: kept, prepared, given back, thrown away.

use std::{collections::HashMap, time::Duration};

use actors::ports::StoreError;
use bb8::{ManageConnection, Pool, PooledConnection, RunError};
use bb8_postgres::PostgresConnectionManager;
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement, Transaction, types::ToSql};

/// How long a caller waits for a connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// How long one call may take.
const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// The server gives up before we do, and lets go of what it locked.
const OPTIONS: &str = "-c lock_timeout=1s -c idle_in_transaction_session_timeout=1s \
                       -c statement_timeout=4s -c synchronous_commit=on";

/// Parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The pool of one instance.
#[derive(Clone)]
pub(super) struct Connections(Pool<Manager>);

impl Connections {
    pub(super) fn new(mut config: Config, size: u32) -> Self {
        let options = match config.get_options() {
            Some(given) => format!("{OPTIONS} {given}"),
            None => OPTIONS.into(),
        };
        config
            .options(options)
            .application_name("duet")
            .connect_timeout(CONNECT_DEADLINE);
        let pool = Pool::builder()
            .max_size(size)
            .connection_timeout(CONNECT_DEADLINE)
            .test_on_check_out(false)
            .build_unchecked(Manager(PostgresConnectionManager::new(config, NoTls)));
        Self(pool)
    }

    /// Runs one statement, prepared once per connection, and answers its rows.
    pub(super) async fn query(
        &self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.with(async |connection| {
            let statement = connection.prepared(sql).await?;
            connection.client.query(&statement, params).await
        })
        .await
    }

    /// Runs several statements as one transaction.
    pub(super) async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.with(async |connection| {
            let transaction = connection.client.transaction().await?;
            let done = work(&transaction).await?;
            transaction.commit().await?;
            Ok(done)
        })
        .await
    }

    async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let mut connection: PooledConnection<'_, Manager> =
            self.0.get().await.map_err(|error| match error {
                RunError::User(error) => store_error(&error),
                RunError::TimedOut => StoreError::Unavailable("no connection to PostgreSQL".into()),
            })?;
        // A call that is given up leaves the connection in an unknown state; it is not used again.
        connection.unfinished = true;
        let done = tokio::time::timeout(CALL_DEADLINE, work(&mut connection)).await;
        let done = done.map_err(|_| StoreError::Unavailable("PostgreSQL took too long".into()))?;
        connection.unfinished = false;
        done.map_err(|error| store_error(&error))
    }
}

/// Makes [`Connection`]s.
struct Manager(PostgresConnectionManager<NoTls>);

/// A connection and what was prepared on it.
pub(super) struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    unfinished: bool,
}

impl Connection {
    async fn prepared(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = Error;

    async fn connect(&self) -> Result<Connection, Error> {
        Ok(Connection {
            client: self.0.connect().await?,
            statements: HashMap::new(),
            unfinished: false,
        })
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), Error> {
        connection.client.simple_query("").await.map(|_| ())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.unfinished || connection.client.is_closed()
    }
}

/// What the server refuses by its content it will always refuse (classes 22 and 23 of the SQL
/// standard); everything else may pass later.
fn store_error(error: &Error) -> StoreError {
    match error.as_db_error() {
        Some(refused)
            if refused.code().code().starts_with("22")
                || refused.code().code().starts_with("23") =>
        {
            StoreError::Refused(refused.message().into())
        }
        Some(failed) => StoreError::Unavailable(failed.message().into()),
        None => StoreError::Unavailable(error.to_string()),
    }
}
