//! Every stream shows every message once and in order, wherever it begins.

use actors::{
    domain::{Seat, Seq},
    testing::{Call, eventually},
};
use futures_util::future::{join, join_all};

use crate::world::{Shown, Watch, World, roomy};

fn range(from: Seq, to: Seq) -> Vec<Seq> {
    (from..=to).collect()
}

#[actix::test]
async fn a_stream_from_any_place_shows_each_message_once_while_more_arrive() {
    const BEFORE: Seq = 40;
    const MEANWHILE: Seq = 60;
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    for number in 1..=BEFORE {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    let sending = actix::spawn(async move {
        for number in BEFORE + 1..=BEFORE + MEANWHILE {
            abhi.send(&format!("text {number}")).await.unwrap();
        }
    });
    let opening = (0..=BEFORE).map(|place| Watch::open_after(&anny, Some(place)));
    let streams = join_all(opening).await;
    sending.await.unwrap();
    for (place, stream) in (0..).zip(streams) {
        let stream = stream.unwrap();
        stream.until_place(BEFORE + MEANWHILE).await;
        assert_eq!(stream.seqs(), range(place + 1, BEFORE + MEANWHILE));
    }
}

#[actix::test]
async fn a_stream_is_shown_both_peoples_messages_with_their_texts() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let tabs = [
        Watch::open(&abhi).await,
        Watch::open(&abhi).await,
        Watch::open(&anny).await,
    ];
    abhi.send("Hello").await.unwrap();
    anny.send("Hi").await.unwrap();
    for tab in tabs {
        tab.until_place(2).await;
        let said = |shown: &Shown| matches!(shown, Shown::Message(..));
        let messages: Vec<Shown> = tab.shown().into_iter().filter(said).collect();
        assert_eq!(
            messages,
            [
                Shown::Message(1, "Hello".into()),
                Shown::Message(2, "Hi".into())
            ]
        );
    }
}

#[actix::test]
async fn a_stream_without_a_place_starts_at_the_present() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    for _ in 0..3 {
        abhi.send("before").await.unwrap();
    }
    let stream = Watch::open(&anny).await;
    assert_eq!(stream.hello().position, 3);
    abhi.send("now").await.unwrap();
    stream.until_place(4).await;
    assert_eq!(stream.seqs(), [4]);
}

#[actix::test]
async fn a_place_above_the_last_counts_as_the_last() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    let stream = Watch::open_after(&anny, Some(1_000)).await.unwrap();
    assert_eq!((stream.hello().position, stream.hello().last_seq), (1, 1));
    abhi.send("Hello").await.unwrap();
    stream.until_place(2).await;
    assert_eq!(stream.seqs(), [2]);
}

#[actix::test]
async fn a_stream_that_comes_back_again_and_again_misses_nothing() {
    const LAST: Seq = 100;
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let sending = actix::spawn(async move {
        for number in 1..=LAST {
            abhi.send(&format!("text {number}")).await.unwrap();
        }
    });
    let mut seen: Vec<Seq> = Vec::new();
    while seen.len() < LAST as usize {
        let last = seen.last().copied().unwrap_or(0);
        let stream = Watch::open_after(&anny, Some(last)).await.unwrap();
        eventually("something arrives", || async { !stream.seqs().is_empty() }).await;
        stream.close();
        stream.until_over().await;
        seen.extend(stream.seqs());
    }
    sending.await.unwrap();
    assert_eq!(seen, range(1, LAST));
}

#[actix::test]
async fn a_stream_that_replays_is_greeted_once() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    for _ in 0..20 {
        abhi.send("Hello").await.unwrap();
    }
    let stream = Watch::open_after(&anny, Some(0)).await.unwrap();
    assert_eq!(stream.seqs(), range(1, 20));
    assert_eq!(stream.hello_count(), 1, "its own arrival is no news to it");
}

#[actix::test]
async fn a_stream_that_replays_while_things_change_gets_a_fresh_hello() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    for _ in 0..20 {
        abhi.send("Hello").await.unwrap();
    }
    let held = here.store.hold(Call::History);
    let meanwhile = async {
        eventually("it replays", || async {
            here.store.is_waiting(Call::History)
        })
        .await;
        abhi.receipt(20, 20).await.unwrap();
        drop(held);
    };
    let (stream, ()) = join(Watch::open_after(&anny, Some(0)), meanwhile).await;
    let stream = stream.unwrap();
    assert_eq!(stream.seqs(), range(1, 20));
    assert_eq!(stream.hello().marks[Seat::One].read, 20);
    assert_eq!(
        stream.news().len(),
        20,
        "what came meanwhile is in the hello alone"
    );
}

#[actix::test]
async fn no_hello_takes_a_stream_back_that_has_read_on() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let anny = anny.at(&there);
    let other = Watch::open(&anny).await;
    for _ in 0..3 {
        abhi.send("Hello").await.unwrap();
    }
    other.until_place(3).await;
    let opened = Watch::begin(&anny, Some(0)).await.unwrap();
    // The pair there does not hear of the next message, and the stream reads it from the store.
    let _held = there.store.hold(Call::Positions);
    there.bus.set_deaf(true);
    abhi.send("read on").await.unwrap();
    let stream = Watch::attach(&anny, opened).await.unwrap();
    assert_eq!(stream.seqs(), range(1, 4));
    let before = [&stream, &other].map(|stream| stream.hello_count());
    there.bus.set_down(true);
    for (stream, before) in [&stream, &other].into_iter().zip(before) {
        eventually("it is told that the bus is down", || async {
            stream.hello_count() > before
        })
        .await;
    }
    let places = |stream: &Watch| (stream.hello().position, stream.hello().last_seq);
    assert_eq!((places(&stream), places(&other)), ((4, 4), (3, 3)));
}
