//! What goes on while one of the servers is away.

use actors::{
    domain::{Caller, SealedHash, Seat},
    ports::{DeferredWrite, Messages, Seats},
    testing::claim,
};

use super::*;

/// A registration with an id, as a page makes one.
fn with_id(store: &ShardedStore, id: SecretDigest) -> NewChat {
    let mut keys = std::iter::repeat_with(key);
    let key = keys.find(|key| store.accepts_key(*key, Some(&id))).unwrap();
    NewChat {
        fresh_key: true,
        registration: Some((id, SealedHash::from_bytes(vec![7; 80]))),
        ..new_chat(key)
    }
}

/// Two servers by two maps: the first alone, then both.
async fn two_by_two_maps() -> (Servers, Arc<ShardedStore>) {
    let servers = Servers::start();
    let urls = servers.urls();
    let (one, two) = (open_at(&urls[0]).await, open_at(&urls[1]).await);
    let maps = one_then_both(&one, &two).await;
    for server in [&one, &two] {
        server.write_maps(&maps).await.unwrap();
    }
    let store = store(&urls).await;
    (servers, store)
}

async fn until_away(store: &ShardedStore, number: usize, is_away: bool) {
    let place = store.shards[number].place.clone();
    eventually(&format!("{place} is away: {is_away}"), || async {
        store.away().contains(&place) == is_away
    })
    .await;
}

#[tokio::test]
async fn chats_are_made_by_ids_and_keys_of_the_servers_that_are_there() {
    let (mut servers, store) = two_by_two_maps().await;
    servers.0[0].kill();
    until_away(&store, 0, true).await;
    let fresh: Vec<ChatKey> = accepted_keys(&store).take(10).collect();
    for key in fresh {
        let new = NewChat {
            fresh_key: true,
            ..new_chat(key)
        };
        make(&store, new).await;
    }
    // Every id would have belonged to the first server by the first map.
    let ids: Vec<SecretDigest> = std::iter::repeat_with(digest).take(10).collect();
    for id in &ids {
        assert!(!store.accepts_registration(id));
        let refused = store.register(with_id(&store, *id)).await.unwrap();
        assert_eq!(refused, Registered::PartitionUnavailable);
    }
    servers.0[0].resume().unwrap();
    until_away(&store, 0, false).await;
    for id in ids {
        assert!(store.accepts_registration(&id));
        make(&store, with_id(&store, id)).await;
        let again = store.register(with_id(&store, id)).await.unwrap();
        assert!(matches!(again, Registered::Duplicate { .. }), "{again:?}");
    }
}

#[tokio::test]
async fn what_one_server_knows_is_returned_while_the_other_is_away() {
    let mut servers = Servers::start();
    let store = store(&servers.urls()).await;
    let mut made = Vec::new();
    for _ in 0..40 {
        // Chosen by a client: the chat may be on another server than the one that its id belongs to.
        let new = NewChat {
            key: key(),
            fresh_key: false,
            ..with_id(&store, digest())
        };
        let id = new.registration.as_ref().unwrap().0;
        make(&store, new.clone()).await;
        made.push((id, new.key));
    }
    servers.0[1].kill();
    until_away(&store, 1, true).await;
    let (mut told, mut away) = (0, 0);
    for (id, key) in made {
        let again = store.register(with_id(&store, id)).await.unwrap();
        match again {
            Registered::Duplicate { key: before, .. } => {
                assert_eq!(before, key);
                told += 1;
            }
            other => {
                assert_eq!(other, Registered::PartitionUnavailable);
                away += 1;
            }
        }
    }
    assert!(told > 0 && away > 0, "{told} {away}");
}

#[tokio::test]
async fn a_reserved_key_is_registered_though_a_server_of_an_older_map_is_away() {
    let (mut servers, store) = two_by_two_maps().await;
    servers.0[0].kill();
    until_away(&store, 0, true).await;
    let mut keys = accepted_keys(&store);
    let (reserved, other) = (keys.next().unwrap(), keys.next().unwrap());
    let hold = Duration::from_secs(600);
    assert!(store.reserve(reserved, hold).await.unwrap());
    make(&store, new_chat(reserved)).await;
    let refused = store.register(new_chat(other)).await.unwrap();
    assert_eq!(
        refused,
        Registered::PartitionUnavailable,
        "it may be in use there"
    );
}

/// Whoever took seat 1 of a chat.
async fn sit(store: &ShardedStore, key: ChatKey) -> Caller {
    let claim = claim(key, Seat::One, None);
    let session = claim.session.digest;
    store.take_seat(claim).await.unwrap().unwrap();
    Caller {
        key,
        seat: Seat::One,
        session,
    }
}

#[tokio::test]
async fn every_chat_of_a_server_that_is_there_is_answered_for_beside_those_that_are_away() {
    let (mut servers, before) = two_by_two_maps().await;
    let mut callers = Vec::new();
    for _ in 0..20 {
        let caller = sit(&before, made(&before).await).await;
        callers.push((before.partition(caller.key), caller));
    }
    servers.0[1].kill();
    // One that has not been at the server yet, and knows of no chat where it is.
    let urls = servers.urls();
    let fresh = store(&urls).await;
    until_away(&before, 1, true).await;
    for store in [&before, &fresh] {
        let asked: Vec<Caller> = callers.iter().map(|(_, caller)| *caller).collect();
        let keys: Vec<ChatKey> = asked.iter().map(|caller| caller.key).collect();
        let checked = store.check_sessions(&asked).await;
        let positions = store.positions(&keys).await;
        let mut there = 0;
        for (((number, caller), checked), position) in callers.iter().zip(checked).zip(positions) {
            match number {
                0 => {
                    there += 1;
                    assert_eq!(checked.unwrap(), Ok(0));
                    assert!(position.unwrap().is_some());
                    assert_eq!(store.partition(caller.key), 0, "it was found");
                    let secret = store.replaced(caller.key, digest()).await;
                    assert!(secret.unwrap().is_none());
                }
                _ => {
                    assert!(matches!(checked, Err(StoreError::Unavailable(_))));
                    assert!(matches!(position, Err(StoreError::Unavailable(_))));
                }
            }
        }
        assert!(there > 0 && there < callers.len());
        let ours = callers.iter().filter(|(number, _)| *number == 0);
        let seen = ours.map(|(_, caller)| {
            let at = Timestamp::from_unix_ms(1_000_000);
            (caller.key, DeferredWrite::LastSeen(Seat::One, at))
        });
        store
            .write_deferred(&seen.collect::<Vec<_>>())
            .await
            .unwrap();
    }
}
