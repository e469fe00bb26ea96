//! PostgreSQL, shared by any number of instances.
//!
//! What a send costs is one call of one function (`append_messages` in the migrations): no lock
//! waits for a client's turn. The rare changes of seats and chats are transactions of a few
//! statements, which the server ends when a client stops in the middle of one. Time is the
//! server's clock.

mod asks;
mod chats;
mod messages;
mod rows;
mod seats;

mod connect;
mod errors;
mod instances;
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

use actors::{
    domain::{
        AskWord, Caller, Chat, ChatKey, CodeDigest, Draft, Page, SecretDigest, Seq, Timestamp,
        UserName,
    },
    ports::{
        Access, Answered, Appended, AskFound, By, ChatRoom, Claim, Claimed, DeferredWrite, Ending,
        HistoryPage, Lookup, NewAsk, NewChat, Peer, Position, Registered, Replaced, SessionChoice,
        Store, StoreError, Verdict,
    },
};
use async_trait::async_trait;
use prometheus::Registry;
use tokio_postgres::Client;
use uuid::Uuid;

use super::OpenError;
use crate::config::{self, PostgresUrl};
use connect::{NoConnection, Servers, stranger};
use pool::{Connections, Params};
use session::Session;

pub use examine::examine;
pub use lock::DatabaseLock;

/// How long one connection outside of the pool may take to come about.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// What a write of any kind needs from its tables, and one that reaches the disk.
const HOLD_TABLES: &str = "LOCK TABLE chats, seats, sessions, messages IN ROW EXCLUSIVE MODE";
const PROBE: &str = "INSERT INTO probe (id, at) VALUES (1, clock_ms())
                     ON CONFLICT (id) DO UPDATE SET at = excluded.at";

/// The store in PostgreSQL.
pub struct PostgresStore {
    connections: Connections,
    lanes: usize,
}

impl PostgresStore {
    /// Connects and migrates.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong, without the password.
    pub async fn open(
        url: &PostgresUrl,
        settings: &config::Store,
        registry: &Registry,
    ) -> Result<Self, OpenError> {
        let client = connect_once(url).await?;
        inspect::server(&client).await?;
        inspect::sessions(url).await?;
        let client = migrate::migrate(client, settings.start_patience()).await?;
        inspect::rights(&client).await?;
        Ok(Self {
            connections: Connections::new(url, settings, registry)?,
            lanes: settings.lanes.into(),
        })
    }
}

/// A connection of its own, outside of any pool.
async fn connect_once(url: &PostgresUrl) -> Result<Client, OpenError> {
    let connecting = Servers::new(url, CONNECT_DEADLINE, Session::for_upkeep())?;
    match connecting.connect().await {
        Ok(client) => Ok(client),
        Err(error) if !error.is_passing => Err(unusable(&error)),
        Err(error) => Err(unusable(&stranger(url).await.unwrap_or(error))),
    }
}

fn unusable(error: &NoConnection) -> OpenError {
    let sentence = format!("PostgreSQL cannot be used: {error}");
    match error.is_passing {
        true => OpenError::passing(sentence),
        false => OpenError::wrong(sentence),
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn lanes(&self) -> usize {
        self.lanes
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.connections
            .transaction(async |tx| {
                // Somebody may hold a table, which a write to another one does not notice.
                tx.execute(HOLD_TABLES, &[]).await?;
                tx.execute(PROBE, &[]).await
            })
            .await
            .map(|_| ())
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

    async fn check_sessions(&self, callers: &[Caller]) -> Result<Vec<Access<Seq>>, StoreError> {
        let keys: Vec<Uuid> = callers.iter().map(|by| rows::uuid(by.key)).collect();
        let digests: Vec<&[u8]> = callers
            .iter()
            .map(|by| &by.session.as_bytes()[..])
            .collect();
        let seats: Vec<i16> = callers.iter().map(|by| rows::number(by.seat)).collect();
        let params: Params<'_> = &[&keys, &digests, &seats];
        let found = self.connections.query(rows::CHECK_SESSIONS, params).await?;
        let last_seq = |row| Ok(rows::access(row)?.map(|living| living.last_seq));
        let read: Result<_, tokio_postgres::Error> = found.iter().map(last_seq).collect();
        read.map_err(|error| StoreError::Refused(error.to_string()))
    }

    async fn positions(&self, keys: &[ChatKey]) -> Result<Vec<Option<Position>>, StoreError> {
        let keys: Vec<Uuid> = keys.iter().map(|key| rows::uuid(*key)).collect();
        let found = self.connections.query(rows::POSITIONS, &[&keys]).await?;
        let read: Result<_, _> = found.iter().map(rows::position).collect();
        read.map_err(|error| StoreError::Refused(error.to_string()))
    }

    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError> {
        messages::append(&self.connections, drafts, room).await
    }

    async fn append_waiting(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
    ) -> Result<Vec<Appended>, StoreError> {
        messages::append_waiting(&self.connections, drafts, room).await
    }

    async fn history(
        &self,
        by: By,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError> {
        messages::history(&self.connections, by, page, limit).await
    }

    async fn take_seat(&self, claim: Claim) -> Result<Lookup<Claimed>, StoreError> {
        self.connections
            .transaction(async |tx| seats::take(tx, &claim).await)
            .await
    }

    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError> {
        self.connections
            .transaction(async |tx| seats::end_session(tx, by, which).await)
            .await
    }

    async fn set_return_code(
        &self,
        by: Caller,
        code: CodeDigest,
    ) -> Result<Access<()>, StoreError> {
        self.connections
            .transaction(async |tx| seats::set_return_code(tx, by, code).await)
            .await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError> {
        self.connections
            .transaction(async |tx| seats::set_device_code(tx, by, code, valid).await)
            .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Lookup<()>, StoreError> {
        self.connections
            .transaction(async |tx| asks::ask(tx, key, &ask).await)
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<AskFound>, StoreError> {
        let digest = &digest.as_bytes()[..];
        let found = self
            .connections
            .query(asks::ASK_STATE, &[&rows::uuid(key), &digest])
            .await?;
        let found = found.first().map(asks::ask_state).transpose();
        found.map_err(|error| StoreError::Refused(error.to_string()))
    }

    async fn answer(
        &self,
        by: Caller,
        word: AskWord,
        verdict: Verdict,
    ) -> Result<Access<Answered>, StoreError> {
        self.connections
            .transaction(async |tx| asks::answer(tx, by, word, verdict).await)
            .await
    }

    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError> {
        let digest = &digest.as_bytes()[..];
        let found = self
            .connections
            .query(asks::REPLACED, &[&rows::uuid(key), &digest])
            .await?;
        let found = found.first().map(asks::replaced).transpose();
        found.map_err(|error| StoreError::Refused(error.to_string()))
    }

    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError> {
        self.connections
            .transaction(async |tx| messages::write_deferred(tx, writes).await)
            .await
    }

    async fn end(&self, by: By) -> Result<Ending, StoreError> {
        self.connections
            .transaction(async |tx| chats::end(tx, by).await)
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

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        instances::beat(&self.connections, own, bus_address).await
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

    use actors::{
        domain::{MessageText, Seat},
        testing::Stores,
    };
    use loadtest::servers::Postgres;

    use super::*;
    use crate::config::Settings;

    async fn open() -> Stores {
        let server = Postgres::start().unwrap();
        let url = PostgresUrl::parse(&server.url()).unwrap();
        let settings = Settings::load(None, []).unwrap().store;
        let (one, two) = (Registry::new(), Registry::new());
        let (here, there) = tokio::join!(
            PostgresStore::open(&url, &settings, &one),
            PostgresStore::open(&url, &settings, &two)
        );
        Stores::two(Arc::new(here.unwrap()), Arc::new(there.unwrap()), server)
    }

    actors::store_suite!(open);

    #[tokio::test]
    async fn a_chat_that_somebody_else_holds_is_left_out_and_can_be_waited_for() {
        let server = Postgres::start().unwrap();
        let url = PostgresUrl::parse(&server.url()).unwrap();
        let settings = Settings::load(None, []).unwrap().store;
        let store = PostgresStore::open(&url, &settings, &Registry::new()).await;
        let store = store.unwrap();
        let mut other = connect_once(&url).await.unwrap();
        let keys: Vec<ChatKey> = (1..=2).map(|n| ChatKey::from_bytes([n; 16])).collect();
        let uuids: Vec<Uuid> = keys.iter().map(|key| rows::uuid(*key)).collect();
        let fill = "INSERT INTO chats (key, expires_at)
                    SELECT key, 9e15::bigint FROM unnest($1::uuid[]) key";
        other.execute(fill, &[&uuids]).await.unwrap();
        other.execute(SIT, &[]).await.unwrap();
        let holding = other.transaction().await.unwrap();
        let hold = "UPDATE chats SET last_seq = 7 WHERE key = $1";
        holding.execute(hold, &[&uuids[0]]).await.unwrap();

        let drafts: Vec<Draft> = keys.iter().map(draft_to).collect();
        let alone = store.append(&drafts[..1], ROOM).await.unwrap();
        assert_eq!(alone, [Appended::Locked]);
        let both = store.append(&drafts, ROOM).await.unwrap();
        assert_eq!(both[0], Appended::Locked);
        assert!(
            matches!(both[1], Appended::Stored { seq: 1, .. }),
            "{both:?}"
        );
        let waiting = store.append_waiting(&drafts[..1], ROOM);
        let (stored, released) = tokio::join!(waiting, holding.commit());
        released.unwrap();
        let stored = stored.unwrap();
        assert!(
            matches!(stored[..], [Appended::Stored { seq: 8, .. }]),
            "{stored:?}"
        );
    }

    const ROOM: ChatRoom = ChatRoom {
        messages_max: 100,
        bytes_max: 1_000,
    };
    /// Logs the sender of [`draft_to`] in to every chat.
    const SIT: &str = "
        INSERT INTO sessions (key, digest, id, seat, code_set, since)
        SELECT key, decode(repeat('00', 32), 'hex'), key, 1, false, 0 FROM chats";

    fn draft_to(key: &ChatKey) -> Draft {
        Draft {
            key: *key,
            seat: Seat::One,
            id: Uuid::new_v4(),
            session: SecretDigest::from_bytes([0; 32]),
            text: MessageText::from_store("Hello".into()),
            sent_at: None,
        }
    }

    /// The planner once chose the index of the sweep beside the key's, which reads all living chats.
    #[tokio::test]
    async fn what_knows_its_chats_does_not_look_through_all_of_them() {
        let server = Postgres::start().unwrap();
        let url = PostgresUrl::parse(&server.url()).unwrap();
        let settings = Settings::load(None, []).unwrap().store;
        PostgresStore::open(&url, &settings, &Registry::new())
            .await
            .unwrap();
        let asking = connect_once(&url).await.unwrap();
        let keys: Vec<ChatKey> = (1..=8).map(|n| ChatKey::from_bytes([n; 16])).collect();
        let uuids: Vec<Uuid> = keys.iter().map(|key| rows::uuid(*key)).collect();
        let fill = "INSERT INTO chats (key, expires_at) SELECT key, 9e15::bigint FROM unnest($1::uuid[]) key
                    UNION SELECT gen_random_uuid(), 9e15::bigint FROM generate_series(1, 1100)";
        asking.execute(fill, &[&uuids]).await.unwrap();
        asking.execute(SIT, &[]).await.unwrap();
        asking.batch_execute("ANALYZE chats").await.unwrap();

        let store = PostgresStore::open(&url, &settings, &Registry::new())
            .await
            .unwrap();
        for len in [1, keys.len()] {
            let drafts: Vec<Draft> = keys[..len].iter().map(draft_to).collect();
            for outcome in store.append(&drafts, ROOM).await.unwrap() {
                assert!(matches!(outcome, Appended::Stored { .. }), "{outcome:?}");
            }
        }
        let position = store.positions(&keys).await.unwrap()[0];
        assert_eq!(position.map(|position| position.last_seq), Some(2));
        assert!(matches!(
            store.load(keys[0]).await.unwrap(),
            Lookup::Live(_)
        ));
        drop(store);

        // A connection's last counts are there once it has ended.
        let others = "SELECT count(*) FROM pg_stat_activity
                      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let count = async |sql: &str| asking.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
        while count(others).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = ";
        assert!(count(&format!("{scans}'chats_pkey'")).await > 0);
        assert_eq!(count(&format!("{scans}'chats_by_expiry'")).await, 0);
    }
}
