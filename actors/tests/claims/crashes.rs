//! What a panic in a handler costs: the request that it happened in, and nothing else.

use std::time::Duration;

use actors::{
    GetSnapshot, Refusal,
    domain::Seat,
    ports::Clock,
    testing::{Call, eventually},
};
use futures_util::future::{join, join_all};
use uuid::Uuid;

use crate::world::{Person, Shown, Watch, World, roomy};

#[actix::test]
async fn a_panic_costs_its_own_request_and_the_next_one_succeeds() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("before").await.unwrap();
    here.clock.panic_next(1);
    assert!(matches!(anny.send("lost").await, Err(Refusal::Defect(_))));
    anny.send("after").await.unwrap();
    assert_eq!(abhi.texts().await.unwrap(), ["before", "after"]);
    assert_eq!(here.metric("duet_pair_restarts_total"), 1.0);
    assert_eq!(here.metric("duet_pairs"), 1.0);
}

#[actix::test]
async fn requests_queued_behind_a_panic_succeed() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let stopped = here.clock.stop();
    here.clock.panic_next(1);
    let texts: Vec<String> = (0..40).map(|number| format!("text {number}")).collect();
    let sending = texts.iter().map(|text| abhi.send(text));
    // Every one of them is in the pair's mailbox, or on its way there, when the first panics.
    let (sent, ()) = join(join_all(sending), async { drop(stopped) }).await;

    let lost: Vec<_> = sent.iter().filter(|sent| sent.is_err()).collect();
    assert!(
        matches!(lost[..], [Err(Refusal::Defect(_))]),
        "one is lost: {lost:?}"
    );
    let mut stored = abhi.texts().await.unwrap();
    assert_eq!(stored.len(), 39);
    stored.sort_unstable();
    stored.dedup();
    assert_eq!(stored.len(), 39, "and no other was stored twice");
}

#[actix::test]
async fn a_message_on_its_way_to_the_store_is_not_lost_by_another_requests_panic() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let held = here.store.hold(Call::Append);
    let id = Uuid::new_v4();
    let meanwhile = async {
        here.until_appends(1).await;
        here.clock.panic_next(1);
        let look = anny.pairs().ask(anny.key, GetSnapshot { by: anny.by });
        assert!(matches!(look.await, Err(Refusal::Defect(_))));
        drop(held);
    };
    let (sent, ()) = join(abhi.send_as(id, "Hello"), meanwhile).await;
    assert_eq!(sent.unwrap().seq, 1);
    assert_eq!(abhi.send_as(id, "Hello").await.unwrap().seq, 1);
    assert_eq!(anny.texts().await.unwrap(), ["Hello"]);
}

#[actix::test]
async fn a_message_that_is_committed_after_a_panic_is_shown_by_the_fresh_pair() {
    let world = World::new();
    let here = world.instance(roomy());
    // One of the last whose turn comes in the audit, which would find the message as well.
    let hash = world.chat_where(|key| key.spread() % 30 == 29).await;
    let [abhi, anny] = here.couple_of(&hash).await;
    let held = here.store.hold(Call::Append);
    let meanwhile = async {
        here.until_appends(1).await;
        here.clock.panic_next(1);
        anny.snapshot().await.unwrap_err();
        let stream = Watch::open(&anny).await;
        drop(held);
        let shown = stream.until_place(1);
        tokio::time::timeout(Duration::from_secs(5), shown)
            .await
            .expect("it is shown soon");
    };
    let (sent, ()) = join(abhi.send("Hello"), meanwhile).await;
    assert_eq!(sent.unwrap().seq, 1);
}

#[actix::test]
async fn a_request_that_waits_for_the_store_is_not_lost_by_another_ones_panic() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let held = here.store.hold(Call::CheckSessions);
    let panic = async {
        eventually("it waits", || async {
            here.store.is_waiting(Call::CheckSessions)
        })
        .await;
        here.clock.panic_next(1);
        assert!(matches!(anny.texts().await, Err(Refusal::Defect(_))));
        drop(held);
    };
    let (looked, ()) = join(abhi.snapshot(), panic).await;
    looked.unwrap();
}

#[actix::test]
async fn a_pair_that_keeps_panicking_is_left_alone_and_others_are_not() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let [other, _] = here.couple(&world).await;
    here.clock.panic_next(3);
    for _ in 0..3 {
        assert!(matches!(abhi.snapshot().await, Err(Refusal::Defect(_))));
    }
    // From here on the clock is right, but the pair has used up its trust.
    for _ in 0..3 {
        assert!(matches!(
            abhi.snapshot().await,
            Err(Refusal::Unavailable(_))
        ));
    }
    other.snapshot().await.unwrap();
    assert_eq!(here.metric("duet_pair_restarts_total"), 3.0);
}

#[actix::test]
async fn a_panic_ends_the_pairs_streams_which_come_back_and_miss_nothing() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    abhi.send("first").await.unwrap();
    stream.until_place(1).await;
    here.clock.panic_next(1);
    abhi.snapshot().await.unwrap_err();
    stream.until_over().await;
    abhi.send("meanwhile").await.unwrap();
    let stream = Watch::open_after(&anny, Some(1)).await.unwrap();
    abhi.send("afterwards").await.unwrap();
    stream.until_place(3).await;
    assert_eq!(stream.seqs(), [2, 3]);
    here.until_metric("duet_streams", 1.0).await;
}

#[actix::test]
async fn a_pair_that_cannot_be_opened_is_opened_by_the_next_request() {
    let world = World::new();
    let here = world.instance(roomy());
    let there = world.instance(roomy());
    let hash = world.chat().await;
    let [abhi, anny] = there.couple_of(&hash).await;
    let (abhi, anny) = (abhi.at(&here), anny.at(&here));
    here.store.fail_next(Call::Load, 1);
    let asking = (0..10).map(|_| abhi.snapshot());
    let looked = join_all(asking).await;
    for refused in looked.iter().filter_map(|looked| looked.as_ref().err()) {
        assert!(matches!(refused, Refusal::Unavailable(_)), "{refused:?}");
    }
    let stream = Watch::open(&abhi).await;
    anny.send("Hello").await.unwrap();
    stream.until_place(1).await;
    assert_eq!(here.metric("duet_pairs"), 1.0);
}

#[actix::test]
async fn the_leftovers_of_a_failed_start_do_not_disturb_its_successor() {
    let world = World::new();
    let mut limits = roomy();
    limits.pair_rest_after = Duration::from_millis(50);
    let here = world.instance(limits);
    let there = world.instance(roomy());
    let [abhi, anny] = there.couple_of(&world.chat().await).await;
    let abhi = abhi.at(&here);
    here.store.fail_next(Call::Load, 1);
    abhi.snapshot().await.unwrap_err();
    let stream = Watch::open(&abhi).await;

    // Others that come later go to rest: by then what is left of the first would have, too.
    for _ in 0..3 {
        let [other, _] = there.couple_of(&world.chat().await).await;
        other.at(&here).snapshot().await.unwrap();
    }
    here.until_pairs(1).await;
    assert!(here.bus.is_subscribed(abhi.key));
    anny.send("from there").await.unwrap();
    stream.until_place(1).await;
    abhi.send("from here").await.unwrap();
    stream.until_place(2).await;
    assert_eq!(here.metric("duet_pairs"), 1.0);
}

#[actix::test]
async fn many_chats_survive_panics_at_random() {
    let world = World::new();
    let here = world.instance(roomy());
    let mut people: Vec<Person> = Vec::new();
    for _ in 0..8 {
        people.extend(here.couple(&world).await);
    }
    let mut acknowledged = vec![0; people.len()];
    for round in 0..5 {
        here.clock.panic_next(2);
        let text = format!("round {round}");
        let sent = join_all(people.iter().map(|person| person.send(&text))).await;
        for (count, sent) in acknowledged.iter_mut().zip(sent) {
            match sent {
                Ok(_) => *count += 1,
                Err(Refusal::Defect(_) | Refusal::Unavailable(_)) => {}
                Err(other) => panic!("a panic came out as {other:?}"),
            }
        }
    }
    here.clock.panic_next(0);
    for (couple, counts) in people.chunks(2).zip(acknowledged.chunks(2)) {
        let stored = world.history(couple[0].key).await.len();
        assert_eq!(
            stored,
            counts[0] + counts[1],
            "what was acknowledged is there once"
        );
    }
}

#[actix::test]
async fn a_pair_that_panicked_leaves_neither_presence_nor_a_subscription() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi.at(&there)).await;
    let stream = Watch::open(&anny).await;
    watcher.until_presence(Seat::Two, &[true]).await;
    here.clock.panic_next(1);
    assert!(matches!(abhi.snapshot().await, Err(Refusal::Defect(_))));
    // Nobody asks this instance for the chat any more, and she does not come back.
    stream.until_over().await;
    world.until_open(abhi.key, [true, false]).await;
    watcher.until_presence(Seat::Two, &[true, false]).await;
    let left_at = Some(Clock::now(&world.time));
    let gone = Shown::Presence {
        seat: Seat::Two,
        online: false,
        last_seen: left_at,
    };
    assert_eq!(watcher.news().last(), Some(&gone));
    eventually("it is written down when she was last seen", || async {
        world.load(abhi.key).await.seats[Seat::Two].last_seen == left_at
    })
    .await;
    eventually("the subscription is withdrawn", || async {
        !here.bus.is_subscribed(abhi.key)
    })
    .await;
    assert_eq!(here.metric("duet_pairs"), 0.0);
    assert_eq!(here.metric("duet_pair_restarts_total"), 1.0);
}

#[actix::test]
async fn whoever_is_back_at_once_after_a_panic_was_never_gone_for_others() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi.at(&there)).await;
    let stream = Watch::open(&anny).await;
    watcher.until_presence(Seat::Two, &[true]).await;
    here.clock.panic_next(1);
    abhi.snapshot().await.unwrap_err();
    stream.until_over().await;
    let back = Watch::open(&anny).await;
    world.until_open(abhi.key, [true, true]).await;
    abhi.send("Hello").await.unwrap();
    for stream in [&watcher, &back] {
        stream.until_place(1).await;
    }
    world.pass_grace(&here, abhi.key).await;
    assert!(!watcher.presence(Seat::Two).contains(&false));
}
