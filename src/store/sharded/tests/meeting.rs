//! Registrations with one `id` that meet.

use actors::domain::SealedHash;

use super::*;

fn registered_as(key: ChatKey, id: SecretDigest) -> NewChat {
    NewChat {
        registration: Some((id, SealedHash::from_bytes(b"sealed".to_vec()))),
        ..new_chat(key)
    }
}

#[tokio::test]
async fn a_chat_that_is_made_while_it_is_looked_for_is_the_only_one_of_its_registration() {
    let servers = Servers::start();
    let store = store(&servers.urls()).await;
    let map = store.maps.read().maps.current(store.clock.now()).clone();
    let id = digest();
    // Both chats belong elsewhere than their id, where it is recorded which of them it makes.
    let id_home = map.server_of(id.as_bytes()).unwrap();
    let mut elsewhere =
        std::iter::repeat_with(key).filter(|key| map.server_of(key.as_bytes()) != Some(id_home));
    let (first, second) = (elsewhere.next().unwrap(), elsewhere.next().unwrap());
    let recorder = store.store(store.number_of(id_home)).unwrap();
    recorder
        .bind(&map, &registered_as(first, id), None)
        .await
        .unwrap();

    // Whether a chat is there cannot be seen for the moment in which the first one is made.
    let home = map.server_of(first.as_bytes()).unwrap();
    let number = store.number_of(home).unwrap();
    let place = &store.shards[number].place;
    let mut servers = servers.0.iter();
    let server = servers.find(|server| place.contains(&server.address()));
    let mut maker = server.unwrap().connect().await.unwrap();
    let making = maker.transaction().await.unwrap();
    making.batch_execute("LOCK TABLE tombstones").await.unwrap();
    let asking = {
        let store = store.clone();
        tokio::spawn(async move { store.register(registered_as(second, id)).await })
    };
    eventually("somebody looks for the chat", || async {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)";
        making.query_one(waits, &[]).await.unwrap().get(0)
    })
    .await;
    let make = "INSERT INTO chats (key, expires_at, registration, sealed_hash)
                VALUES ($1, now_ms() + 3600000, $2, $3)";
    let digest = &id.as_bytes()[..];
    let sealed = &b"sealed"[..];
    let uuid = Uuid::from_bytes(*first.as_bytes());
    making
        .execute(make, &[&uuid, &digest, &sealed])
        .await
        .unwrap();
    making.commit().await.unwrap();

    let mut outcome = asking.await.unwrap();
    // On a machine that is busy it may have waited for too long.
    while let Ok(Registered::PartitionUnavailable) = outcome {
        outcome = store.register(registered_as(second, id)).await;
    }
    assert!(
        matches!(outcome, Ok(Registered::Duplicate { key, .. }) if key == first),
        "{outcome:?}"
    );
    assert_eq!(store.status(second).await.unwrap(), Err(Denied::Missing));
}
