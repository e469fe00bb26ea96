//! Maps: made by one command at a time, and the same everywhere.

use super::*;

async fn maps(store: &ShardedStore) -> Vec<Vec<Map>> {
    let mut maps = Vec::new();
    for (_, store) in store.opened() {
        maps.push(store.maps().await.unwrap());
    }
    maps
}

#[tokio::test]
async fn one_of_two_concurrent_commands_makes_the_map() {
    let servers = Servers::start();
    let urls = servers.urls();
    let (here, there) = tokio::join!(store(&urls), store(&urls));
    let places: Vec<String> = here.shards.iter().map(|it| it.place.clone()).collect();
    let (one, other) = tokio::join!(
        here.change(&places[0], false),
        there.change(&places[1], false)
    );
    let refused = match (one, other) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused.to_string(),
        outcomes => panic!("{outcomes:?}"),
    };
    assert!(
        refused.contains("Somebody else") || refused.contains("the last one"),
        "{refused}"
    );
    let maps = maps(&here).await;
    assert_eq!(maps[0], maps[1]);
    assert_eq!(maps[0].last().unwrap().servers.len(), 1);
}

#[tokio::test]
async fn a_command_that_is_repeated_brings_the_map_to_all_servers() {
    let servers = Servers::start();
    let store = store(&servers.urls()).await;
    let (drained, _) = store.shards[0].opened.get().unwrap();
    let kept = store.shards[1].opened.get().unwrap();
    let map = Map {
        version: 2,
        servers: vec![kept.0],
        since: store.clock.now().plus(Duration::from_secs(10)),
    };
    assert!(!map.servers.contains(drained));
    // As when the command was stopped before it came to the second server.
    kept.1.write_maps(std::slice::from_ref(&map)).await.unwrap();
    let place = store.shards[0].place.clone();
    match store.change(&place, false).await {
        Ok(in_force) => assert!(in_force <= Duration::from_secs(10)),
        // The store itself had brought it there meanwhile.
        Err(already) => assert!(already.to_string().contains("already"), "{already}"),
    }
    for maps in maps(&store).await {
        assert_eq!(maps.last(), Some(&map));
    }
}

#[tokio::test]
async fn different_maps_of_one_version_are_not_followed() {
    let servers = Servers::start();
    let urls = servers.urls();
    let running = store(&urls).await;
    let [one, two] = [0, 1].map(|number| running.shards[number].opened.get().unwrap());
    let map = Map {
        version: 2,
        servers: vec![one.0],
        since: running.clock.now(),
    };
    for (_, store) in [one, two] {
        store.write_maps(std::slice::from_ref(&map)).await.unwrap();
    }
    let other = format!(
        "UPDATE shard_maps SET servers = ARRAY['{}']::uuid[] WHERE version = 2",
        two.0
    );
    servers.0[1].run(&other).unwrap();
    eventually("it is told", || async {
        running.metrics.maps_differ.get() == 1
    })
    .await;
    assert_eq!(running.maps.read().maps.newest(), &map);
    let (mut made, mut refused) = (0, 0);
    for _ in 0..20 {
        // By either map one server has all chats; by the other one the other.
        match running.register(new_chat(key())).await {
            Ok(Registered::Made { .. }) => made += 1,
            Err(StoreError::Unavailable(why)) => {
                assert!(why.contains("do not agree"), "{why}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(made + refused, 20);
    assert_eq!(running.maps.read().maps.newest(), &map);
    assert_eq!(two.1.census().await.unwrap().chats, 0);

    let (settings, clock) = (settings(), Arc::new(SystemClock));
    let opened = ShardedStore::open(&urls, &settings, clock, &Registry::new()).await;
    let refused = opened.err().unwrap();
    assert!(!refused.is_passing());
    assert!(
        refused.to_string().contains("another map of version 2"),
        "{refused}"
    );
}
