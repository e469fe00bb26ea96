use std::sync::Arc;

use super::{Stores, fixture::*};
use crate::{
    domain::{
        ChatKey, Encryption, Lifetime, Page, Position, SealedHash, Seat, SecretDigest, UserName,
    },
    ports::{Claim, Claimed, Denied, NewChat, Principal, Registered, Store},
};

/// A registration that can be recognised.
pub(super) fn named(key: ChatKey, id: SecretDigest) -> NewChat {
    NewChat {
        registration: Some((id, SealedHash::from_bytes(vec![7; 80]))),
        ..new_chat(key)
    }
}

/// The same with a fresh key.
fn named_anew(stores: &Stores, id: SecretDigest) -> NewChat {
    named(key_for(&stores.here, &id), id)
}

pub async fn a_registered_chat_is_there_with_its_names_and_nothing_else(stores: Stores) {
    let new = new_chat(key());
    let before = store_now(&stores.here).await;
    let expires_at = register(&stores.here, new.clone()).await;
    let after = store_now(&stores.here).await;
    assert!(before.plus(LONG) <= expires_at && expires_at <= after.plus(LONG));

    live(stores.there.status(new.key).await);
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
    let expires_at = register(&stores.here, named(first, id)).await;
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
    register(&stores.here, sealed(first)).await;
    register(&stores.here, new_chat(plain)).await;
    assert_eq!(live(stores.there.load(first).await).encryption, encryption);
    assert_eq!(live(stores.there.load(plain).await).encryption, None);

    let again = sealed(key_for(&stores.there, &id));
    let again = stores.there.register(again).await.unwrap();
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
    register(&stores.here, named_anew(&stores, id)).await;
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
        ..named_anew(stores, id)
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
        ..named_anew(&stores, id)
    };
    register(&stores.here, new.clone()).await;
    for called in [None, Some("Anny")] {
        if let Some(called) = called {
            name_seat_two(&stores.here, new.key, called).await;
        }
        assert!(same_names(&stores, id, "Abhi", None).await);
        assert!(!same_names(&stores, id, "Somebody", None).await);
        assert!(!same_names(&stores, id, "Abhi", Some("Anny")).await);
    }
}

pub async fn the_same_registration_makes_a_new_chat_once_the_first_is_over(stores: Stores) {
    let (ended, expired) = (digest(), digest());
    let first = key_for(&stores.here, &ended);
    register(&stores.here, named(first, ended)).await;
    end(&stores.here, first).await;
    register(&stores.here, named_anew(&stores, ended)).await;

    let short = NewChat {
        lifetime: Lifetime::of(SHORT),
        ..named_anew(&stores, expired)
    };
    register(&stores.here, short.clone()).await;
    until_over(&stores.here, short.key).await;
    register(&stores.here, named_anew(&stores, expired)).await;
}

pub async fn the_same_registration_racing_itself_makes_one_chat(stores: Stores) {
    let id = digest();
    let registered = race(&stores, RACERS, |store, _| async move {
        let key = key_for(&store, &id);
        (key, store.register(named(key, id)).await.unwrap())
    })
    .await;
    let made = |(_, outcome): &&(ChatKey, Registered)| matches!(outcome, Registered::Made { .. });
    let fresh: Vec<_> = registered.iter().filter(made).collect();
    assert_eq!(fresh.len(), 1);
    for (_, outcome) in &registered {
        match outcome {
            Registered::Made { .. } => {}
            Registered::Duplicate { key, .. } => assert_eq!(*key, fresh[0].0),
            other => panic!("a replayed registration came out as {other:?}"),
        }
    }
}

pub async fn the_same_registration_with_another_key_finds_the_chat_it_made(stores: Stores) {
    for _ in 0..20 {
        // Keys that clients chose belong wherever they belong.
        let (id, first) = (digest(), key());
        register(&stores.here, named(first, id)).await;
        for again in [key(), key_for(&stores.there, &id), first] {
            let again = stores.there.register(named(again, id)).await.unwrap();
            assert!(
                matches!(again, Registered::Duplicate { key, .. } if key == first),
                "{again:?}"
            );
        }
        end(&stores.here, first).await;
        let next = key();
        register(&stores.there, named(next, id)).await;
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
        register(&stores.here, new.clone()).await;
        let chat = live(stores.there.load(new.key).await);
        let one = chat.seats[Seat::One].name.as_ref().unwrap();
        assert_eq!(one.as_str(), odd);
        assert_eq!(chat.seats[Seat::Two].name, Some(name("Anny")));
    }
}

/// Whether the second seat got this name.
async fn name_seat_two(store: &Arc<dyn Store>, key: ChatKey, called: &str) -> bool {
    live(store.name_seat_two(key, &name(called)).await)
}

/// Registers a chat whose seat 2 has no name.
async fn register_unnamed(stores: &Stores) -> ChatKey {
    let new = NewChat {
        name_two: None,
        ..new_chat(key())
    };
    let key = new.key;
    register(&stores.here, new).await;
    key
}

pub async fn seat_two_is_named_once(stores: Stores) {
    let key = register_unnamed(&stores).await;
    let names = async || {
        let chat = live(stores.there.load(key).await);
        Seat::BOTH.map(|seat| chat.seats[seat].name.as_ref().map(|name| name.to_string()))
    };
    assert_eq!(names().await, [Some("Abhi".to_owned()), None]);
    assert!(name_seat_two(&stores.here, key, "Anny").await);
    assert!(!name_seat_two(&stores.there, key, "Else").await);
    assert!(!name_seat_two(&stores.there, key, "Anny").await);
    assert_eq!(
        names().await,
        ["Abhi", "Anny"].map(|name| Some(name.to_owned()))
    );
}

pub async fn one_of_many_racing_names_stays(stores: Stores) {
    let key = register_unnamed(&stores).await;
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

pub async fn a_seat_is_named_with_its_first_session_or_not_at_all(stores: Stores) {
    let key = register_unnamed(&stores).await;
    let named = race(&stores, RACERS, |store, number| async move {
        let name = name(&format!("Anny {number}"));
        let claim = Claim {
            new_name: Some(name.clone()),
            ..claim(key, Seat::Two, None)
        };
        match take(&store, &claim).await {
            SEATED_WITH_CODE => Some((name, claim.session.id)),
            refused => {
                assert_eq!(refused, Claimed::NamedBefore);
                None
            }
        }
    })
    .await;
    let winners: Vec<_> = named.into_iter().flatten().collect();
    let [(name, session)] = &winners[..] else {
        panic!("one login gets the seat, not {winners:?}");
    };
    let chat = live(stores.there.load(key).await);
    assert_eq!(chat.seats[Seat::Two].name.as_ref(), Some(name));
    assert!(chat.seats[Seat::Two].taken);
    let sessions = sessions(&stores.there, key, Seat::Two).await;
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    assert_eq!(ids, [*session]);
}

pub async fn a_chat_that_never_was_is_missing(stores: Stores) {
    let key = key();
    assert_eq!(stores.here.status(key).await.unwrap(), Err(Denied::Missing));
    let loaded = stores.here.load(key).await;
    assert!(matches!(loaded, Ok(Err(Denied::Missing))));
    let by = Principal::Server(key);
    let page = stores.here.history(by, Page::Newest, 10).await;
    assert_eq!(page.unwrap(), Err(Denied::Missing));
    let named = stores.here.name_seat_two(key, &name("Anny")).await.unwrap();
    assert_eq!(named, Err(Denied::Missing));
    let claimed = stores.here.take_seat(claim(key, Seat::One, None)).await;
    assert_eq!(claimed.unwrap(), Err(Denied::Missing));
}
