//! Everything has a bound, and whoever reaches it is told so.

use std::time::Duration;

use actors::{
    GetPublicInfo, Limits, ListSessions, Refusal,
    domain::{ChatKey, Timestamp},
    ports::{ChatRoom, Clock},
    testing::{Call, eventually},
};

use crate::world::{Person, Watch, World, login, login_as, name, roomy};

/// When the oldest session of somebody's seat was used last.
async fn oldest_seen(person: &Person) -> Timestamp {
    let list = ListSessions { by: person.by };
    let (sessions, _) = person.pairs().ask(person.key, list).await.unwrap();
    sessions[0].last_seen.unwrap()
}

#[actix::test]
async fn a_seat_sends_no_faster_than_its_limit() {
    let world = World::new();
    let limits = Limits {
        sends_per_seat_per_second: 1,
        sends_per_seat_burst: 3,
        ..roomy()
    };
    let here = world.instance(limits);
    let [abhi, anny] = here.couple(&world).await;
    for _ in 0..3 {
        abhi.send("Hello").await.unwrap();
    }
    let Err(Refusal::TooMany { retry_after }) = abhi.send("too fast").await else {
        panic!("the fourth at once is too much");
    };
    assert!(retry_after <= Duration::from_secs(1));
    anny.send("my own pace").await.unwrap();
    assert_eq!(anny.texts().await.unwrap().len(), 4);
}

#[actix::test]
async fn a_chat_takes_so_many_logins_and_then_none_for_a_while() {
    let world = World::new();
    let here = world.instance(Limits {
        logins_per_chat_per_minute: 3,
        ..roomy()
    });
    let [abhi, _anny] = here.couple(&world).await;
    let third = login(&here, &abhi.hash, abhi.seat, None).await;
    assert!(matches!(third, Err(Refusal::SeatTaken)));
    let fourth = login(&here, &abhi.hash, abhi.seat, None).await;
    assert!(matches!(fourth, Err(Refusal::TooMany { .. })));
    let asked = here.pairs.ask(
        abhi.key,
        actors::AskToEnter {
            name: crate::world::name("Anny"),
            auth: None,
        },
    );
    assert!(
        matches!(asked.await, Err(Refusal::TooMany { .. })),
        "asking counts as well"
    );
    abhi.send("those inside are not bothered").await.unwrap();
}

#[actix::test]
async fn a_guessed_name_counts_once_and_has_the_store_read_once() {
    for unnamed in [false, true] {
        let world = World::new();
        let here = world.instance(Limits {
            logins_per_chat_per_minute: 3,
            ..roomy()
        });
        let hash = match unnamed {
            true => world.unnamed_chat().await,
            false => world.chat().await,
        };
        let key = ChatKey::of(&hash);
        here.pairs.ask(key, GetPublicInfo).await.unwrap();
        let before = here.store.calls(Call::Load);
        for guesses in 1..=20 {
            let guess = here.pairs.ask(key, login_as(&hash, name("Eve")));
            let refused = guess.await.map(drop);
            match guesses {
                ..=3 => assert_eq!(refused, Err(Refusal::WrongName)),
                _ => assert!(matches!(refused, Err(Refusal::TooMany { .. }))),
            }
        }
        assert_eq!(here.store.calls(Call::Load) - before, 3);
    }
}

#[actix::test]
async fn a_stream_counts_from_its_opening_on_and_is_not_refused_later() {
    let world = World::new();
    for limits in [
        Limits {
            streams_per_seat_max: 2,
            ..roomy()
        },
        Limits {
            streams_max: 2,
            ..roomy()
        },
    ] {
        let here = world.instance(limits);
        let [abhi, _anny] = here.couple(&world).await;
        let opened = [
            Watch::begin(&abhi, None).await.unwrap(),
            Watch::begin(&abhi, None).await.unwrap(),
        ];
        let is_refused = async || {
            let third = Watch::begin(&abhi, None).await;
            matches!(third, Err(Refusal::TooMany { .. }))
        };
        assert!(is_refused().await, "two are open, though not attached");
        let [first, second] = opened;
        let first = Watch::attach(&abhi, first).await.unwrap();
        assert!(is_refused().await);
        drop(second);
        let second = Watch::open(&abhi).await;
        first.close();
        eventually("there is room again", async || !is_refused().await).await;
        drop(second);
    }
}

#[actix::test]
async fn a_full_chat_takes_no_more_messages() {
    let world = World::new();
    let here = world.instance(Limits {
        chat_room: ChatRoom {
            messages_max: 2,
            ..roomy().chat_room
        },
        ..roomy()
    });
    let [abhi, anny] = here.couple(&world).await;
    let id = uuid::Uuid::new_v4();
    abhi.send_as(id, "first").await.unwrap();
    anny.send("second").await.unwrap();
    assert_eq!(abhi.send("third").await, Err(Refusal::ChatFull));
    assert_eq!(
        abhi.send_as(id, "first").await.unwrap().seq,
        1,
        "what it has, it knows"
    );
}

#[actix::test]
async fn a_chat_full_of_text_takes_no_more_messages() {
    let world = World::new();
    let here = world.instance(Limits {
        chat_room: ChatRoom {
            bytes_max: 10,
            ..roomy().chat_room
        },
        ..roomy()
    });
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("nine byte").await.unwrap();
    anny.send("the last one, of any length").await.unwrap();
    assert_eq!(abhi.send("no").await, Err(Refusal::ChatFull));
    let [other, _] = here.couple(&world).await;
    other.send("another chat has room").await.unwrap();
}

#[actix::test]
async fn an_instance_holds_no_more_pairs_than_its_limit() {
    let world = World::new();
    let there = world.instance(roomy());
    let here = world.instance(Limits {
        pairs_max: 2,
        ..roomy()
    });
    let mut people = Vec::new();
    for _ in 0..3 {
        let [abhi, _] = there.couple(&world).await;
        people.push(abhi.at(&here));
    }
    people[0].snapshot().await.unwrap();
    people[1].snapshot().await.unwrap();
    assert!(matches!(
        people[2].snapshot().await,
        Err(Refusal::Unavailable(_))
    ));
    people[0].snapshot().await.unwrap();
    people[1].end_chat().await.unwrap();
    people[2].snapshot().await.unwrap();
}

#[actix::test]
async fn a_seats_longest_unused_session_makes_room_for_a_new_one() {
    let world = World::new();
    let here = world.instance(Limits {
        sessions_per_seat_max: 2,
        ..roomy()
    });
    let [abhi, _anny] = here.couple(&world).await;
    let phone = abhi.again(&here).await;
    world.time.advance(Duration::from_secs(60));
    abhi.snapshot().await.unwrap();
    here.pairs.flush_deferred().await;
    let tablet = abhi.again(&here).await;
    assert!(matches!(phone.snapshot().await, Err(Refusal::NoSession)));
    abhi.snapshot().await.unwrap();
    tablet.snapshot().await.unwrap();
}

#[actix::test]
async fn a_session_that_only_listens_is_in_use() {
    let world = World::new();
    let here = world.instance(Limits {
        sessions_per_seat_max: 2,
        ..roomy()
    });
    let [abhi, _anny] = here.couple(&world).await;
    let stream = Watch::open(&abhi).await;
    let pass = |seconds| world.time.advance(Duration::from_secs(seconds));
    // Shorter than the time after which a use by requests is recorded again.
    pass(20);
    let phone = abhi.again(&here).await;
    pass(20);
    assert_eq!(oldest_seen(&phone).await, world.time.now());
    let tablet = abhi.again(&here).await;
    assert!(matches!(phone.snapshot().await, Err(Refusal::NoSession)));
    abhi.snapshot().await.unwrap();
    pass(60);
    stream.close();
    let closed_at = world.time.now();
    eventually("the stream is closed", || async {
        here.metric("duet_streams") == 0.0
    })
    .await;
    here.pairs.flush_deferred().await;
    pass(60);
    assert_eq!(oldest_seen(&tablet).await, closed_at);
}
