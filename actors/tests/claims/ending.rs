//! The end of a chat, by a person or by its time.

use std::time::Duration;

use actors::{
    GetSnapshot, Refusal,
    ports::{Chats, Denied, Principal},
    testing::{Call, eventually},
};
use futures_util::future::{join, join_all};

use crate::world::{LONG, Person, Shown, Watch, World, roomy};

#[actix::test]
async fn an_end_is_told_to_every_stream_and_nothing_can_be_read_after_it() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    let streams = [
        Watch::open(&abhi).await,
        Watch::open(&anny).await,
        Watch::open(&anny.at(&there)).await,
    ];
    anny.end_chat().await.unwrap();
    for person in [&abhi, &anny, &abhi.at(&there)] {
        assert_eq!(person.texts().await, Err(Refusal::Gone));
        assert_eq!(person.send("late").await, Err(Refusal::Gone));
        assert!(matches!(person.snapshot().await, Err(Refusal::Gone)));
        assert_eq!(person.end_chat().await, Err(Refusal::Gone));
    }
    for stream in streams {
        stream.until_over().await;
        assert_eq!(
            stream.shown().last(),
            Some(&Shown::Ended {
                by: Some("Anny".into())
            })
        );
    }
    for instance in [here, there] {
        instance.until_pairs(0).await;
        assert!(!instance.bus.is_subscribed(abhi.key));
        assert_eq!(instance.metric("duet_pair_restarts_total"), 0.0);
    }
}

#[actix::test]
async fn requests_queued_behind_an_end_are_answered_as_gone() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stopped = here.clock.stop();
    let behind = join_all((0..40).map(|_| abhi.snapshot()));
    let release = async { drop(stopped) };
    let (ended, (looked, ())) = join(anny.end_chat(), join(behind, release)).await;
    ended.unwrap();
    for looked in looked {
        assert!(matches!(looked, Err(Refusal::Gone)), "{looked:?}");
    }
    here.until_pairs(0).await;
}

#[actix::test]
async fn a_request_that_waits_for_the_store_while_the_chat_ends_is_answered_as_gone() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let held = here.store.hold(Call::CheckSessions);
    let end = async {
        eventually("it waits", || async {
            here.store.is_waiting(Call::CheckSessions)
        })
        .await;
        anny.end_chat().await.unwrap();
        drop(held);
    };
    let (looked, ()) = join(abhi.snapshot(), end).await;
    assert!(matches!(looked, Err(Refusal::Gone)), "{looked:?}");
}

#[actix::test]
async fn many_ends_at_once_are_one() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&abhi).await;
    let people: Vec<Person> = (0..20)
        .map(|number| anny.at(if number % 2 == 0 { &here } else { &there }))
        .collect();
    let ended = join_all(people.iter().map(Person::end_chat)).await;
    assert!(ended.iter().any(Result::is_ok));
    let expected = |ended: &Result<(), Refusal>| matches!(ended, Ok(()) | Err(Refusal::Gone));
    assert!(ended.iter().all(expected), "{ended:?}");
    stream.until_over().await;
    let ends = stream
        .shown()
        .into_iter()
        .filter(|shown| matches!(shown, Shown::Ended { .. }));
    assert_eq!(ends.count(), 1);
}

#[actix::test]
async fn the_operator_can_end_a_chat() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let stream = Watch::open(&abhi).await;
    // As `duet end` does, in a process of its own.
    let ending = world.store.end(Principal::Server(abhi.key)).await.unwrap();
    assert_eq!(ending, Ok(()));
    stream.until(&Shown::Ended { by: None }).await;
    assert!(matches!(abhi.snapshot().await, Err(Refusal::Gone)));
}

#[actix::test]
async fn an_end_that_the_store_did_not_take_is_no_end() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&abhi).await;
    here.store.fail_next(Call::End, 1);
    assert!(matches!(
        anny.end_chat().await,
        Err(Refusal::Unavailable(_))
    ));
    anny.send("still here").await.unwrap();
    stream.until_place(1).await;
    anny.end_chat().await.unwrap();
    stream.until_over().await;
}

#[actix::test]
async fn a_chat_whose_time_is_over_ends_for_everybody() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    let streams = [
        Watch::open(&abhi).await,
        Watch::open(&anny.at(&there)).await,
    ];
    world.time.advance(LONG + Duration::from_secs(1));
    for person in [&abhi, &anny.at(&there)] {
        let read = person.texts().await;
        assert!(
            matches!(read, Err(Refusal::Gone)),
            "even before the sweep: {read:?}"
        );
    }
    for stream in streams {
        stream.until_over().await;
        assert_eq!(stream.shown().last(), Some(&Shown::Ended { by: None }));
    }
    for instance in [here, there] {
        instance.until_pairs(0).await;
        instance.until_metric("duet_chats_live", 0.0).await;
    }
}

#[actix::test]
async fn what_is_left_of_an_ended_chat_is_deleted_without_waiting_for_the_sweep() {
    let world = World::new();
    let mut limits = roomy();
    limits.sweep_interval = LONG;
    let here = world.instance(limits);
    let [abhi, _anny] = here.couple(&world).await;
    for _ in 0..5 {
        abhi.send("Hello").await.unwrap();
    }
    abhi.end_chat().await.unwrap();
    eventually("no message is left", || async {
        world.store.messages_kept(abhi.key) == 0
    })
    .await;
    assert_eq!(
        world.store.status(abhi.key).await.unwrap(),
        Err(Denied::Ended)
    );
}

#[actix::test]
async fn a_chat_that_never_was_is_not_found() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let unknown = actors::domain::ChatKey::from_bytes([7; 16]);
    let looked = here.pairs.ask(unknown, GetSnapshot { by: abhi.by }).await;
    assert!(matches!(looked, Err(Refusal::NotFound)));
    assert_eq!(here.metric("duet_pairs"), 1.0);
}
