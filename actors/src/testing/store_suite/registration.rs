use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, Encryption, Position, SealedHash, Seat, SecretDigest, UserName},
    ports::{Access, Lookup, NewChat, Principal, Registered},
};

/// A registration that can be recognised.
pub(super) fn named(key: ChatKey, id: SecretDigest) -> NewChat {
    NewChat {
        registration: Some((id, SealedHash::from_bytes(vec![7; 80]))),
        ..new_chat(key)
    }
}

pub async fn a_registered_chat_is_there_with_its_names_and_nothing_else(stores: Stores) {
    let new = new_chat(key());
    let before = store_now(&stores.here).await;
    let expires_at = made(stores.here.register(new.clone()).await.unwrap());
    assert!(
        expires_at >= before.plus(LONG),
        "it lives as long as it should"
    );
    assert!(
        expires_at <= store_now(&stores.here).await.plus(LONG),
        "and no longer"
    );

    assert_eq!(
        stores.there.status(new.key).await.unwrap(),
        Lookup::Live(())
    );
    let chat = live(stores.there.load(new.key).await);
    assert_eq!(
        (chat.key, chat.expires_at, chat.position),
        (new.key, expires_at, Position::default())
    );
    assert_eq!(chat.seats[Seat::One].name, Some(name("Abhi")));
    assert_eq!(chat.seats[Seat::Two].name, Some(name("Anny")));
    for seat in Seat::BOTH {
        let state = &chat.seats[seat];
        assert!(!state.taken && state.last_seen.is_none());
    }
    assert!(chat.sessions.is_empty() && chat.asks.is_empty());
}

pub async fn the_same_registration_finds_the_chat_it_made(stores: Stores) {
    let id = digest();
    let first = key_for(&stores.here, &id);
    let expires_at = made(stores.here.register(named(first, id)).await.unwrap());
    for again in [first, key_for(&stores.here, &id)] {
        assert_eq!(
            stores.there.register(named(again, id)).await.unwrap(),
            Registered::Duplicate {
                key: first,
                sealed: SealedHash::from_bytes(vec![7; 80]),
                expires_at,
                same_names: true,
                encryption: None,
            }
        );
    }
}

pub async fn an_encrypted_chat_keeps_the_digest_of_its_proof(stores: Stores) {
    let (plain, id) = (key(), digest());
    let first = key_for(&stores.here, &id);
    let encryption = Some(Encryption { auth: digest() });
    let sealed = |key| NewChat {
        encryption,
        ..named(key, id)
    };
    made(stores.here.register(sealed(first)).await.unwrap());
    made(stores.here.register(new_chat(plain)).await.unwrap());
    assert_eq!(live(stores.there.load(first).await).encryption, encryption);
    assert_eq!(live(stores.there.load(plain).await).encryption, None);

    let again = stores
        .there
        .register(sealed(key_for(&stores.there, &id)))
        .await
        .unwrap();
    let Registered::Duplicate {
        encryption: kept, ..
    } = again
    else {
        panic!("a replayed registration came out as {again:?}");
    };
    assert_eq!(kept, encryption);
    take_seat(&stores.here, first, Seat::Two).await;
    assert_eq!(live(stores.here.load(first).await).encryption, encryption);
}

pub async fn a_registration_says_whether_the_names_are_the_same(stores: Stores) {
    let id = digest();
    made(
        stores
            .here
            .register(named(key_for(&stores.here, &id), id))
            .await
            .unwrap(),
    );
    for (one, two) in [
        ("Abhi", Some("Somebody")),
        ("Somebody", Some("Anny")),
        ("Abhi", None),
    ] {
        assert!(!same_names(&stores, id, one, two).await, "{one} {two:?}");
    }
    assert!(same_names(&stores, id, "ABHI", Some("anny")).await);
}

/// Whether a registration of these names is the one that this id made before.
async fn same_names(stores: &Stores, id: SecretDigest, one: &str, two: Option<&str>) -> bool {
    let again = NewChat {
        name_one: name(one),
        name_two: two.map(name),
        ..named(key_for(&stores.here, &id), id)
    };
    match stores.there.register(again).await.unwrap() {
        Registered::Duplicate { same_names, .. } => same_names,
        other => panic!("the registration was not recognised: {other:?}"),
    }
}

pub async fn a_registration_of_one_name_is_the_same_whatever_the_second_is_called(stores: Stores) {
    let id = digest();
    let new = NewChat {
        name_two: None,
        ..named(key_for(&stores.here, &id), id)
    };
    made(stores.here.register(new.clone()).await.unwrap());
    for called in [None, Some("Anny")] {
        if let Some(called) = called {
            assert!(live(
                stores.here.name_seat_two(new.key, &name(called)).await
            ));
        }
        assert!(same_names(&stores, id, "Abhi", None).await);
        assert!(!same_names(&stores, id, "Somebody", None).await);
        assert!(!same_names(&stores, id, "Abhi", Some("Anny")).await);
    }
}

pub async fn the_same_registration_makes_a_new_chat_once_the_first_is_over(stores: Stores) {
    let (ended, expired) = (digest(), digest());
    let first = key_for(&stores.here, &ended);
    made(stores.here.register(named(first, ended)).await.unwrap());
    stores.here.end(Principal::Server(first)).await.unwrap();
    made(
        stores
            .here
            .register(named(key_for(&stores.here, &ended), ended))
            .await
            .unwrap(),
    );

    let short = NewChat {
        lifetime: short_life(),
        ..named(key_for(&stores.here, &expired), expired)
    };
    made(stores.here.register(short.clone()).await.unwrap());
    until_over(&stores.here, short.key).await;
    made(
        stores
            .here
            .register(named(key_for(&stores.here, &expired), expired))
            .await
            .unwrap(),
    );
}

fn short_life() -> crate::domain::Lifetime {
    crate::domain::Lifetime::of(SHORT)
}

pub async fn the_same_registration_racing_itself_makes_one_chat(stores: Stores) {
    let id = digest();
    let registered = race(&stores, RACERS, |store, _| async move {
        let key = key_for(&store, &id);
        (key, store.register(named(key, id)).await.unwrap())
    })
    .await;
    let fresh: Vec<ChatKey> = registered
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Registered::Made { .. }))
        .map(|(key, _)| *key)
        .collect();
    assert_eq!(fresh.len(), 1);
    for (key, outcome) in registered {
        match outcome {
            Registered::Made { .. } => assert_eq!(key, fresh[0]),
            Registered::Duplicate { key, .. } => assert_eq!(key, fresh[0]),
            other => panic!("a replayed registration came out as {other:?}"),
        }
    }
}

pub async fn the_same_registration_with_another_key_finds_the_chat_it_made(stores: Stores) {
    for _ in 0..20 {
        // Keys that clients chose belong wherever they belong.
        let (id, first) = (digest(), key());
        made(stores.here.register(named(first, id)).await.unwrap());
        for again in [key(), key_for(&stores.there, &id), first] {
            let again = stores.there.register(named(again, id)).await.unwrap();
            assert!(
                matches!(again, Registered::Duplicate { key, .. } if key == first),
                "{again:?}"
            );
        }
        stores.here.end(Principal::Server(first)).await.unwrap();
        let next = key();
        made(stores.there.register(named(next, id)).await.unwrap());
        let again = stores.here.register(named(key(), id)).await.unwrap();
        assert!(
            matches!(again, Registered::Duplicate { key, .. } if key == next),
            "{again:?}"
        );
    }
}

pub async fn the_same_registration_racing_with_other_keys_makes_one_chat(stores: Stores) {
    for _ in 0..10 {
        let id = digest();
        let outcomes = race(&stores, 8, |store, _| async move {
            store.register(named(key(), id)).await
        })
        .await;
        let made =
            |outcome: &&Result<Registered, _>| matches!(outcome, Ok(Registered::Made { .. }));
        assert_eq!(outcomes.iter().filter(made).count(), 1, "{outcomes:?}");
    }
}

pub async fn a_name_that_would_be_refused_today_is_read_as_it_was_stored(stores: Stores) {
    for odd in ["a\u{202E}b", "", "\u{3164}", &"x".repeat(100)] {
        assert!(UserName::parse(odd).is_err());
        let new = NewChat {
            name_one: UserName::from_store(odd),
            ..new_chat(key())
        };
        made(stores.here.register(new.clone()).await.unwrap());
        let chat = live(stores.there.load(new.key).await);
        let one = chat.seats[Seat::One].name.as_ref().unwrap();
        assert_eq!(one.as_str(), odd);
        assert_eq!(chat.seats[Seat::Two].name, Some(name("Anny")));
    }
}

pub async fn seat_two_is_named_once(stores: Stores) {
    let new = NewChat {
        name_two: None,
        ..new_chat(key())
    };
    made(stores.here.register(new.clone()).await.unwrap());
    assert_eq!(
        live(stores.here.load(new.key).await).seats[Seat::Two].name,
        None
    );
    assert!(live(
        stores.here.name_seat_two(new.key, &name("Anny")).await
    ));
    assert!(!live(
        stores.there.name_seat_two(new.key, &name("Else")).await
    ));
    assert!(!live(
        stores.there.name_seat_two(new.key, &name("Anny")).await
    ));
    let chat = live(stores.there.load(new.key).await);
    let shown = chat.seats[Seat::Two]
        .name
        .as_ref()
        .map(|name| name.as_str().to_owned());
    assert_eq!(shown.as_deref(), Some("Anny"));
    assert_eq!(chat.seats[Seat::One].name, Some(name("Abhi")));
}

pub async fn one_of_many_racing_names_stays(stores: Stores) {
    let new = NewChat {
        name_two: None,
        ..new_chat(key())
    };
    let key = new.key;
    made(stores.here.register(new).await.unwrap());
    let named = race(&stores, RACERS, |store, number| async move {
        let name = name(&format!("Anny {number}"));
        live(store.name_seat_two(key, &name).await).then_some(name)
    })
    .await;
    let winners: Vec<_> = named.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let chat = live(stores.here.load(key).await);
    assert_eq!(chat.seats[Seat::Two].name.as_ref(), winners.first());
}

pub async fn a_chat_that_never_was_is_missing(stores: Stores) {
    let key = key();
    assert_eq!(stores.here.status(key).await.unwrap(), Lookup::Missing);
    assert!(matches!(
        stores.here.load(key).await.unwrap(),
        Lookup::Missing
    ));
    let page = stores
        .here
        .history(Principal::Server(key), crate::domain::Page::Newest, 10)
        .await
        .unwrap();
    assert_eq!(page, Access::Missing);
    let named = stores.here.name_seat_two(key, &name("Anny")).await.unwrap();
    assert_eq!(named, Lookup::Missing);
    let claimed = stores
        .here
        .take_seat(claim(key, Seat::One, None))
        .await
        .unwrap();
    assert_eq!(claimed, Lookup::Missing);
}
