//! Two servers on one PostgreSQL and one Redis, side by side.

use harness::servers::{Postgres, Redis};
use tokio_postgres::{Client, NoTls};

use super::{Server, Setup};

/// Two servers, and what they share.
pub struct Twins {
    /// One server.
    pub one: Server,
    /// The other.
    pub two: Server,
    /// What lasts.
    pub postgres: Postgres,
    /// The courier.
    pub redis: Redis,
}

impl Twins {
    /// Two servers that are set up alike.
    pub async fn start(setup: Setup) -> Self {
        let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
        let setup = setup
            .set("store.url", postgres.url())
            .set("bus.url", redis.url());
        Self {
            one: setup.clone().start().await,
            two: setup.start().await,
            postgres,
            redis,
        }
    }

    /// Looks into the database, or changes what time would.
    pub async fn database(&self) -> Client {
        let connected = tokio_postgres::connect(&self.postgres.url(), NoTls).await;
        let (client, connection) = connected.unwrap();
        tokio::spawn(connection);
        client
    }
}
