//! PostgreSQL, shared by any number of instances.
//!
//! What a send costs is one call of one function (`append_messages` in the migrations): no lock
//! waits for a client's turn. The rare changes of seats and chats are transactions of a few
//! statements, which the server ends when a client stops in the middle of one. Time is the
//! server's clock.

mod chats;
mod messages;
mod pool;
mod rows;
mod seats;

use std::time::Duration;

use actors::{
    domain::{
        AskWord, Chat, ChatKey, CodeDigest, Draft, Page, Seat, SecretDigest, Seq, Timestamp,
        UserName,
    },
    ports::{
        Answered, Appended, AskState, Claim, Claimed, Ending, HistoryPage, Lookup, NewAsk, NewChat,
        Note, Registered, SessionChoice, Store, StoreError,
    },
};
use async_trait::async_trait;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use super::OpenError;
use pool::Connections;

mod migrations {
    refinery::embed_migrations!("migrations/postgres");
}

/// Commits in flight at once: while one waits for the disk, others gather.
const LANES: usize = 4;
/// Held while migrating, so that instances which start together take turns. Any number does, as
/// long as nobody else in the database uses it.
const MIGRATION_LOCK: i64 = 0x6475_6574_0001;
/// Held by an instance whose bus is its own.
const SERVING_LOCK: i64 = 0x6475_6574_0002;

/// The store in PostgreSQL.
pub struct PostgresStore {
    connections: Connections,
}

impl PostgresStore {
    /// Connects and migrates.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong, without the password.
    pub async fn open(config: &Config, pool_size: u32) -> Result<Self, OpenError> {
        migrate(config).await?;
        Ok(Self {
            connections: Connections::new(config.clone(), pool_size),
        })
    }
}

/// Holds a database for one serving process, until it is dropped or its connection is lost.
pub struct DatabaseLock {
    _client: Client,
}

impl std::fmt::Debug for DatabaseLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseLock")
    }
}

impl DatabaseLock {
    /// Takes the lock, on a connection of its own.
    ///
    /// # Errors
    /// [`OpenError`] says who is in the way.
    pub async fn take(config: &Config) -> Result<Self, OpenError> {
        let client = connect(config).await?;
        let taken = client
            .query_one("SELECT pg_try_advisory_lock($1)", &[&SERVING_LOCK])
            .await;
        match taken.map_err(|error| unusable(&error))?.get(0) {
            true => Ok(Self { _client: client }),
            false => Err(OpenError(
                "Another duet serves this database already, and with bus.url = \"local\" they \
                 would not hear each other. Set bus.url to a Redis server in both, or stop one."
                    .into(),
            )),
        }
    }
}

/// A connection of its own, outside of any pool.
async fn connect(config: &Config) -> Result<Client, OpenError> {
    let (client, connection) = config
        .connect(NoTls)
        .await
        .map_err(|error| unusable(&error))?;
    tokio::spawn(connection);
    Ok(client)
}

fn unusable(error: &dyn std::fmt::Display) -> OpenError {
    OpenError(format!(
        "PostgreSQL cannot be used: {error}. Check store.url and that the server runs."
    ))
}

/// Brings the tables up to date; of several at once one does it and the others wait.
async fn migrate(config: &Config) -> Result<(), OpenError> {
    let mut client = connect(config).await?;
    let locked = client
        .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await;
    locked.map_err(|error| unusable(&error))?;
    let migrated = migrations::migrations::runner()
        .run_async(&mut client)
        .await;
    migrated.map_err(|error| unusable(&error))?;
    // The lock goes with the connection.
    Ok(())
}

#[async_trait]
impl Store for PostgresStore {
    fn lanes(&self) -> usize {
        LANES
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.connections.query("SELECT 1", &[]).await.map(|_| ())
    }

    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError> {
        self.connections
            .transaction(async |tx| chats::reserve(tx, key, hold).await)
            .await
    }

    async fn register(&self, new: NewChat) -> Result<Registered, StoreError> {
        self.connections
            .transaction(async |tx| chats::register(tx, &new).await)
            .await
    }

    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Lookup<bool>, StoreError> {
        self.connections
            .transaction(async |tx| chats::name_seat_two(tx, key, name).await)
            .await
    }

    async fn status(&self, key: ChatKey) -> Result<Lookup<()>, StoreError> {
        let found = self
            .connections
            .query(rows::LIVING, &[&rows::uuid(key)])
            .await?;
        let found =
            rows::living(&found[0]).map_err(|error| StoreError::Refused(error.to_string()))?;
        Ok(found.map(|_| ()))
    }

    async fn load(&self, key: ChatKey) -> Result<Lookup<Chat>, StoreError> {
        chats::load(&self.connections, key).await
    }

    async fn positions(&self, keys: &[ChatKey]) -> Result<Vec<Option<Seq>>, StoreError> {
        let keys: Vec<Uuid> = keys.iter().map(|key| rows::uuid(*key)).collect();
        let found = self
            .connections
            .query(messages::POSITIONS, &[&keys])
            .await?;
        Ok(found
            .iter()
            .map(|row| row.get::<_, Option<i64>>(0).map(rows::seq))
            .collect())
    }

    async fn append(
        &self,
        drafts: &[Draft],
        messages_max: u64,
    ) -> Result<Vec<Appended>, StoreError> {
        messages::append(&self.connections, drafts, messages_max).await
    }

    async fn history(
        &self,
        key: ChatKey,
        page: Page,
        limit: usize,
    ) -> Result<Lookup<HistoryPage>, StoreError> {
        messages::history(&self.connections, key, page, limit).await
    }

    async fn take_seat(&self, claim: Claim) -> Result<Lookup<Claimed>, StoreError> {
        self.connections
            .transaction(async |tx| seats::take(tx, &claim).await)
            .await
    }

    async fn end_session(
        &self,
        key: ChatKey,
        seat: Seat,
        which: SessionChoice,
    ) -> Result<bool, StoreError> {
        self.connections
            .transaction(async |tx| seats::end_session(tx, key, seat, which).await)
            .await
    }

    async fn set_return_code(
        &self,
        key: ChatKey,
        seat: Seat,
        code: CodeDigest,
    ) -> Result<(), StoreError> {
        self.connections
            .transaction(async |tx| seats::set_return_code(tx, key, seat, code).await)
            .await
    }

    async fn set_device_code(
        &self,
        key: ChatKey,
        seat: Seat,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Timestamp, StoreError> {
        self.connections
            .transaction(async |tx| seats::set_device_code(tx, key, seat, code, valid).await)
            .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<(), StoreError> {
        self.connections
            .transaction(async |tx| seats::ask(tx, key, &ask).await)
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<(Seat, AskState)>, StoreError> {
        let digest = &digest.as_bytes()[..];
        let found = self
            .connections
            .query(seats::ASK_STATE, &[&rows::uuid(key), &digest])
            .await?;
        let state = found.first().map(seats::ask_state).transpose();
        state.map_err(|error| StoreError::Refused(error.to_string()))
    }

    async fn answer(
        &self,
        key: ChatKey,
        word: AskWord,
        allow: bool,
    ) -> Result<Answered, StoreError> {
        self.connections
            .transaction(async |tx| seats::answer(tx, key, word, allow).await)
            .await
    }

    async fn note(&self, notes: &[(ChatKey, Note)]) -> Result<(), StoreError> {
        self.connections
            .transaction(async |tx| messages::note(tx, notes).await)
            .await
    }

    async fn end(&self, key: ChatKey) -> Result<Ending, StoreError> {
        self.connections
            .transaction(async |tx| chats::end(tx, key).await)
            .await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
        self.connections
            .transaction(async |tx| chats::expire(tx, limit).await)
            .await
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
        self.connections
            .transaction(async |tx| chats::purge(tx, limit, tombstone_life).await)
            .await
    }

    async fn count_chats(&self) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM chats WHERE expires_at > now_ms()";
        let found = self.connections.query(count, &[]).await?;
        Ok(rows::seq(found[0].get(0)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::testing::Stores;
    use loadtest::servers::Postgres;

    use super::*;

    async fn open() -> Stores {
        let server = Postgres::start().unwrap();
        let config: Config = server.url().parse().unwrap();
        let (here, there) = tokio::join!(
            PostgresStore::open(&config, 8),
            PostgresStore::open(&config, 8)
        );
        Stores::two(Arc::new(here.unwrap()), Arc::new(there.unwrap()), server)
    }

    actors::store_suite!(open);
}
