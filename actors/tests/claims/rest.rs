//! Pairs that nobody needs leave memory, and nobody notices.

use std::time::Duration;

use actors::{
    Limits,
    domain::{Marks, Seat},
    ports::Chats,
    testing::eventually,
};
use futures_util::future::join_all;

use crate::world::{Shown, Watch, World, roomy};

fn restless() -> Limits {
    Limits {
        pair_rest_after: Duration::from_millis(20),
        ..roomy()
    }
}

#[actix::test]
async fn an_idle_pair_goes_to_rest_and_comes_back_with_everything() {
    let world = World::new();
    let here = world.instance(restless());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    anny.receipt(1, 1).await.unwrap();
    let marks = Marks {
        delivered: 1,
        read: 1,
    };
    eventually("the marks are written down", || async {
        world.load(abhi.key).await.position.marks[Seat::Two] == marks
    })
    .await;
    here.until_pairs(0).await;
    assert!(!here.bus.is_subscribed(abhi.key));

    let hello = abhi.snapshot().await.unwrap().hello;
    assert_eq!((hello.last_seq, hello.marks[Seat::Two]), (1, marks));
    assert!(here.bus.is_subscribed(abhi.key));
    assert_eq!(anny.send("Hi").await.unwrap().seq, 2);
    assert_eq!(abhi.texts().await.unwrap(), ["Hello", "Hi"]);
    here.until_pairs(0).await;
    assert_eq!(
        here.metric("duet_pair_restarts_total"),
        0.0,
        "rest is no crash"
    );
}

#[actix::test]
async fn a_request_racing_with_rest_never_fails() {
    let world = World::new();
    let here = world.instance(Limits {
        pair_rest_after: Duration::from_millis(1),
        ..roomy()
    });
    let mut couples = Vec::new();
    for _ in 0..4 {
        couples.push(here.couple(&world).await);
    }
    let talks = couples.iter().map(|[abhi, anny]| async {
        for round in 0..150 {
            abhi.send("Hello").await.unwrap();
            if round % 10 == 0 {
                here.until_asleep(abhi.key).await;
            }
            anny.snapshot().await.unwrap();
            // Ends somewhere around the moment in which the pair goes to rest.
            tokio::time::sleep(Duration::from_micros(900 + 10 * round)).await;
        }
        assert_eq!(abhi.texts().await.unwrap().len(), 150);
    });
    join_all(talks).await;
    assert_eq!(here.metric("duet_pair_restarts_total"), 0.0);
}

#[actix::test]
async fn a_pair_with_a_stream_stays() {
    let world = World::new();
    let here = world.instance(restless());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&abhi).await;
    let starts = here.metric("duet_pair_starts_total");
    for _ in 0..3 {
        // Others come later and go to rest meanwhile.
        let [other, _] = here.couple(&world).await;
        here.until_asleep(other.key).await;
    }
    assert_eq!(here.metric("duet_pairs"), 1.0);
    anny.send("Hello").await.unwrap();
    stream.until_place(1).await;
    assert_eq!(here.metric("duet_pair_starts_total"), starts + 3.0);

    stream.close();
    here.until_pairs(0).await;
}

#[actix::test]
async fn a_stream_that_just_vanishes_does_not_keep_its_pair_awake() {
    let world = World::new();
    let here = world.instance(restless());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&anny).await;
    let stream = Watch::open(&abhi).await;
    // Its actor dies without a word: the pair finds out by itself.
    stream.die().await;
    watcher.until_presence(Seat::One, &[true, false]).await;
    watcher.close();
    here.until_pairs(0).await;
    here.until_metric("duet_streams", 0.0).await;
}

#[actix::test]
async fn a_pair_that_rested_hears_of_what_other_instances_did() {
    let world = World::new();
    let (here, there) = (world.instance(restless()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    here.until_pairs(0).await;
    anny.at(&there).send("Hello").await.unwrap();
    let stream = Watch::open_after(&abhi, Some(0)).await.unwrap();
    stream.until(&Shown::Message(1, "Hello".into())).await;
    anny.at(&there).send("again").await.unwrap();
    stream.until_place(2).await;
    assert_eq!(here.store.status(abhi.key).await.unwrap(), Ok(()));
}
