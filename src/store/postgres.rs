//! PostgreSQL, shared by any number of instances.
//!
//! A send is one call of one function (`append_messages` in the migrations), so no row lock is held during a
//! round trip to the client. The rare changes of seats and chats are transactions of a few statements, which
//! the server aborts when a client stalls in the middle of one. All times are the server's.

mod asks;
mod chats;
mod marks;
mod messages;
mod rows;
mod seats;
mod shards;
mod upkeep;

mod connect;
mod errors;
mod lending;
mod manager;
mod metrics;
mod pool;
mod session;
mod transaction;

mod examine;
mod inspect;
mod lock;
mod migrate;

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Error, Row};

use super::{Meter, OpenError, Result};
use crate::config::{self, PostgresUrl};
use connect::{Servers, other_service};
use errors::no_answer;
use pool::{Connections, Params};
use session::Session;
use transaction::Transaction;

pub use examine::{count_live_instances, examine, has_tables};
pub use lock::DatabaseLock;
pub(super) use metrics::PoolMetrics;
pub use shards::StoredCounts;
pub(super) use shards::{Binding, Member, PriorUse, member};

/// How long a connection outside the pool may take to open.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long a few questions outside the pool may take. Ending a session to see whether it is shared takes longest.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

/// The store in PostgreSQL.
pub struct PostgresStore {
    connections: Connections,
    meter: Meter,
    lanes: usize,
}

impl PostgresStore {
    /// Opens a store whose server was [prepared](prepare).
    ///
    /// # Errors
    /// [`OpenError`] if the certificates that the URL names cannot be read, which retrying does not help.
    pub(super) fn new(
        url: &PostgresUrl,
        settings: &config::Store,
        (meter, pool): (Meter, PoolMetrics),
    ) -> Result<Self, OpenError> {
        Ok(Self {
            connections: Connections::new(url, settings, pool)?,
            meter,
            lanes: settings.lanes.into(),
        })
    }

    /// Runs a call as one transaction, which may be restarted until its commit begins.
    async fn transaction<T>(
        &self,
        call: &'static str,
        work: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, Error> + Clone,
    ) -> Result<T> {
        let transaction = self.connections.transaction(work);
        self.meter.measure(call, transaction).await
    }

    /// Runs a call of one statement that only reads.
    async fn query(
        &self,
        call: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>> {
        let query = self.connections.query(sql, params);
        self.meter.measure(call, query).await
    }
}

/// Checks a server, and migrates its tables.
///
/// # Errors
/// [`OpenError`] says what is wrong, never with the password.
pub(super) async fn prepare(url: &PostgresUrl, settings: &config::Store) -> Result<(), OpenError> {
    let client = connect_once(url).await?;
    in_time(inspect::server(&client)).await?;
    in_time(inspect::sessions(&client, url)).await?;
    let client = migrate::migrate(client, settings.start_patience()).await?;
    in_time(inspect::rights(&client)).await
}

/// Gives up on a server that stops answering: the kernel of its machine keeps the connection open.
async fn in_time<T>(asking: impl Future<Output = Result<T, OpenError>>) -> Result<T, OpenError> {
    let asked = timeout(ANSWER_DEADLINE, asking).await;
    asked.unwrap_or_else(|_| Err(no_answer()))
}

async fn connect_once(url: &PostgresUrl) -> Result<Client, OpenError> {
    let connecting = Servers::new(url, CONNECT_DEADLINE, Session::for_upkeep())?;
    match connecting.connect().await {
        Err(error) if error.is_passing() => Err(other_service(url).await.unwrap_or(error)),
        connected => Ok(connected?.0),
    }
}

#[cfg(test)]
pub(super) mod tests;
