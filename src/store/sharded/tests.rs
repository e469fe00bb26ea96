mod away;
mod changing;
mod meeting;

use std::sync::Arc;

use actors::{
    domain::{SecretDigest, Timestamp},
    ports::{Chats, Denied, NewChat, Principal, Registered, SystemClock, Upkeep},
    testing::{Stores, digest, eventually, key, new_chat},
};
use futures_util::future::join_all;
use harness::servers::Postgres;
use prometheus::Registry;

use super::*;
use crate::{
    config::{self, Settings},
    store::postgres::tests::{open_at, server_with_tables},
};

struct Servers(Vec<Postgres>);

impl Servers {
    fn start() -> Self {
        Self((0..2).map(|_| Postgres::start().unwrap()).collect())
    }

    fn urls(&self) -> Vec<PostgresUrl> {
        let urls = self.0.iter().map(Postgres::url);
        urls.map(|url| PostgresUrl::parse(&url).unwrap()).collect()
    }
}

fn settings() -> config::Store {
    Settings::load(None, []).unwrap().store
}

async fn store(urls: &[PostgresUrl]) -> Arc<ShardedStore> {
    counted_store(urls, &Registry::new()).await
}

async fn counted_store(urls: &[PostgresUrl], registry: &Registry) -> Arc<ShardedStore> {
    let (settings, clock) = (settings(), Arc::new(SystemClock));
    let opened = ShardedStore::open(urls, &settings, clock, registry);
    opened.await.unwrap()
}

/// Two maps: the first server alone, then both, for so long that nothing is reserved by the first map
/// any more, and so short that chats of it may live.
async fn one_then_both(one: &PostgresStore, two: &PostgresStore) -> [Map; 2] {
    let first = one.identity().await.unwrap();
    let mut both = vec![first, two.identity().await.unwrap()];
    both.sort_unstable();
    let two_hours_ago = SystemClock.now().unix_ms() - 2 * 3600 * 1000;
    [(1, vec![first], 0), (2, both, two_hours_ago)].map(|(version, servers, since)| Map {
        version,
        servers,
        since: Timestamp::from_unix_ms(since),
    })
}

/// Two databases as two servers. Half of the keys have one by the second map, and the other one by
/// the first.
async fn open() -> Stores {
    let server = server_with_tables(&["second"]).await;
    let urls = [server.url(), server.url_of("second")];
    let urls = urls.map(|url| PostgresUrl::parse(&url).unwrap());
    let (one, two) = (open_at(&urls[0]).await, open_at(&urls[1]).await);
    let maps = one_then_both(&one, &two).await;
    two.write_maps(&maps).await.unwrap();
    let (here, there) = tokio::join!(store(&urls), store(&urls));
    Stores::new(here, there, server)
}

actors::store_suite!(open);

async fn make(store: &ShardedStore, new: NewChat) {
    let made = store.register(new).await.unwrap();
    assert!(matches!(made, Registered::Made { .. }), "{made:?}");
}

async fn made(store: &ShardedStore) -> ChatKey {
    let key = key();
    make(store, new_chat(key)).await;
    key
}

/// Keys of servers that are there.
fn accepted_keys(store: &ShardedStore) -> impl Iterator<Item = ChatKey> {
    std::iter::repeat_with(key).filter(|key| store.accepts_key(*key, None))
}

#[tokio::test]
async fn a_server_that_is_away_takes_its_own_chats_with_it_and_no_others() {
    let mut servers = Servers::start();
    let store = store(&servers.urls()).await;
    let mut chats = Vec::new();
    for _ in 0..20 {
        chats.push(made(&store).await);
    }
    let gone = store
        .number_of(store.shards[1].opened.get().unwrap().0)
        .unwrap();
    servers.0.pop();
    let is_away = || async { store.away() == [store.shards[gone].place.clone()] };
    eventually("it is seen that a server is away", is_away).await;
    store.ping().await.unwrap();
    for key in &chats {
        let found = store.status(*key).await;
        match store.partition(*key) == gone {
            true => assert!(
                matches!(found, Err(StoreError::Unavailable(_))),
                "{found:?}"
            ),
            false => assert_eq!(found.unwrap(), Ok(())),
        }
    }
    let fresh: Vec<ChatKey> = accepted_keys(&store).take(20).collect();
    for key in fresh {
        assert_ne!(store.partition(key), gone);
        store.register(new_chat(key)).await.unwrap();
    }
}

#[tokio::test]
async fn chats_of_a_lone_server_are_found_when_another_is_added_and_when_it_is_drained() {
    let servers = Servers::start();
    let urls = servers.urls();
    let alone = open_at(&urls[0]).await;
    let old: Vec<ChatKey> = std::iter::repeat_with(key).take(20).collect();
    for key in &old {
        alone.register(new_chat(*key)).await.unwrap();
    }
    let store = store(&urls).await;
    let in_force = |version| {
        let store = store.clone();
        move || {
            let store = store.clone();
            async move { store.maps.read().maps.current(store.clock.now()).version >= version }
        }
    };
    eventually("both servers take chats", in_force(2)).await;
    let mut both = Vec::new();
    for _ in 0..20 {
        both.push(made(&store).await);
    }
    let place = store.shards[0].place.clone();
    let last = store.change("nowhere:1/duet", true).await.unwrap_err();
    assert!(last.to_string().contains(&place), "{last}");
    store.change(&place, false).await.unwrap();
    eventually("the map without the first server is in force", in_force(3)).await;
    for key in old.iter().chain(&both) {
        assert_eq!(store.status(*key).await.unwrap(), Ok(()));
        let again = store.register(new_chat(*key)).await.unwrap();
        assert_eq!(again, Registered::Taken);
    }
    for _ in 0..20 {
        let key = made(&store).await;
        assert_eq!(alone.status(key).await.unwrap(), Err(Denied::Missing));
    }
    for key in old.iter().chain(&both) {
        store.end(Principal::Server(*key)).await.unwrap().unwrap();
        let again = store.register(new_chat(*key)).await.unwrap();
        assert_eq!(
            again,
            Registered::Taken,
            "a tombstone counts under every map"
        );
    }
    let standing = &store.standing().await[0];
    assert!(!standing.takes_new && standing.in_use);
}

#[tokio::test]
async fn one_of_many_registrations_racing_with_a_change_of_the_map_makes_the_chat() {
    let servers = Servers::start();
    let urls = servers.urls();
    let (here, there) = tokio::join!(store(&urls), store(&urls));
    let place = here.shards[0].place.clone();
    here.change(&place, false).await.unwrap();
    let began = Instant::now();
    // Until well after the change is in force.
    while began.elapsed() < Duration::from_secs(13) {
        let key = key();
        let (one, other) =
            tokio::join!(here.register(new_chat(key)), there.register(new_chat(key)));
        let made = [one.unwrap(), other.unwrap()]
            .into_iter()
            .filter(|outcome| matches!(outcome, Registered::Made { .. }));
        assert_eq!(made.count(), 1);
    }
}

#[tokio::test]
async fn many_who_need_the_maps_at_once_share_a_reading() {
    const READERS: usize = 50;
    let servers = Servers::start();
    let registry = Registry::new();
    let store = counted_store(&servers.urls(), &registry).await;
    let readings = || -> u64 {
        let families = registry.gather().into_iter();
        let mut calls = families.filter(|family| family.name() == "duet_store_call_seconds");
        let calls = calls.next().unwrap();
        let of_maps = calls
            .get_metric()
            .iter()
            .filter(|of| of.get_label().iter().any(|label| label.value() == "maps"));
        of_maps
            .map(|of| of.get_histogram().get_sample_count())
            .sum()
    };
    let before = readings();
    for read in join_all((0..READERS).map(|_| store.read_maps())).await {
        read.unwrap();
    }
    let made = readings() - before;
    // Two on each server, and those of the watch.
    assert!((2..READERS as u64 / 2).contains(&made), "{made}");
}
