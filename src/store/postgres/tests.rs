use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use actors::{
    domain::{ChatKey, Draft, MessageText, Seat, SecretDigest},
    ports::{Appended, ChatRoom, Chats, Messages, Upkeep},
    testing::Stores,
};
use harness::servers::Postgres;
use prometheus::Registry;
use uuid::Uuid;

use super::*;
use crate::config::Settings;

/// A server with the tables of this version in its own database and in these besides. The migrations have run
/// once for all claims, each of which has a copy.
pub(in crate::store) async fn server_with_tables(more_databases: &[&str]) -> Postgres {
    let mut migrations = DefaultHasher::new();
    for migration in migrate::runner().get_migrations() {
        migration.checksum().hash(&mut migrations);
    }
    let name = format!("{:x}-{}", migrations.finish(), more_databases.concat());
    let prepare = async |server: &Postgres| {
        open_alone(&server.url()).await;
        for database in more_databases {
            server.run(&format!("CREATE DATABASE {database}")).unwrap();
            open_alone(&server.url_of(database)).await;
        }
    };
    Postgres::start_prepared(&name, prepare).await.unwrap()
}

async fn open() -> Stores {
    let server = server_with_tables(&[]).await;
    let url = PostgresUrl::parse(&server.url()).unwrap();
    let (here, there) = tokio::join!(open_at(&url), open_at(&url));
    Stores::new(Arc::new(here), Arc::new(there), server)
}

actors::store_suite!(open);

async fn open_alone(url: &str) -> (PostgresUrl, PostgresStore) {
    let url = PostgresUrl::parse(url).unwrap();
    let store = open_at(&url).await;
    (url, store)
}

/// Prepares a server, and opens it as the only one.
pub(in crate::store) async fn open_at(url: &PostgresUrl) -> PostgresStore {
    let settings = Settings::load(None, []).unwrap().store;
    prepare(url, &settings).await.unwrap();
    let registry = Registry::new();
    let pool = PoolMetrics::register(&registry, None);
    PostgresStore::new(url, &settings, (Meter::register(&registry), pool)).unwrap()
}

#[tokio::test]
async fn a_chat_that_somebody_else_holds_is_left_out_and_can_be_waited_for() {
    let server = Postgres::start().unwrap();
    let (url, store) = open_alone(&server.url()).await;
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

/// Through a network a call with thousands of chats would take longer than a call may, and be undone each time.
#[tokio::test]
async fn of_many_ended_chats_a_part_is_deleted_in_one_call() {
    let server = server_with_tables(&[]).await;
    let (_, store) = open_alone(&server.url()).await;
    let bury = "INSERT INTO tombstones (key, ended_at)
                SELECT gen_random_uuid(), now_ms() FROM generate_series(1, 250)";
    server.run(bury).unwrap();
    let life = Duration::from_secs(3600);
    for rows in [100, 100, 50, 0] {
        assert_eq!(store.purge(2_000, life).await.unwrap(), rows);
    }
}

/// The planner once chose the index of the sweep beside the key's, which reads all living chats.
#[tokio::test]
async fn queries_by_key_do_not_scan_all_chats() {
    let server = Postgres::start().unwrap();
    let (url, _) = open_alone(&server.url()).await;
    let asking = connect_once(&url).await.unwrap();
    let keys: Vec<ChatKey> = (1..=8).map(|n| ChatKey::from_bytes([n; 16])).collect();
    let uuids: Vec<Uuid> = keys.iter().map(|key| rows::uuid(*key)).collect();
    let fill =
        "INSERT INTO chats (key, expires_at) SELECT key, 9e15::bigint FROM unnest($1::uuid[]) key
                UNION SELECT gen_random_uuid(), 9e15::bigint FROM generate_series(1, 1100)";
    asking.execute(fill, &[&uuids]).await.unwrap();
    asking.execute(SIT, &[]).await.unwrap();
    asking.batch_execute("ANALYZE chats").await.unwrap();

    let (_, store) = open_alone(&server.url()).await;
    for len in [1, keys.len()] {
        let drafts: Vec<Draft> = keys[..len].iter().map(draft_to).collect();
        for outcome in store.append(&drafts, ROOM).await.unwrap() {
            assert!(matches!(outcome, Appended::Stored { .. }), "{outcome:?}");
        }
    }
    let position = store.positions(&keys).await.remove(0).unwrap();
    assert_eq!(position.map(|position| position.last_seq), Some(2));
    let loaded = store.load(keys[0]).await.unwrap();
    assert!(loaded.is_ok(), "{loaded:?}");
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
