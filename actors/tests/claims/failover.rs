//! A database that had not copied everything took another's place: the store has fewer messages
//! than were shown.

use actors::{
    domain::Seat,
    testing::{Call, eventually},
};

use crate::world::{Instance, Person, Shown, Watch, World, roomy};

/// Whether it was given a hello that goes on from there.
fn began_anew_at(stream: &Watch, seq: u64) -> bool {
    let shown = stream.shown();
    shown
        .iter()
        .any(|shown| matches!(shown, Shown::Hello { position, .. } if *position == seq))
}

/// The first person of a chat of that many messages, all sent at the first of two instances, and a stream of the second person at
/// the other one, which has shown none of them.
async fn opened_late(world: &World, messages: u64) -> ([Instance; 2], Person, Watch) {
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(world).await;
    for number in 1..=messages {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    let stream = Watch::open(&anny.at(&there)).await;
    ([here, there], abhi, stream)
}

#[actix::test]
async fn messages_stored_after_a_loss_are_shown_under_their_lower_seqs() {
    loses_some_of("").await;
}

#[actix::test]
async fn long_messages_stored_after_a_loss_are_shown_as_well() {
    loses_some_of(&"x".repeat(16_000)).await;
}

/// Loses some of several messages that end with this.
async fn loses_some_of(rest: &str) {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    for number in 1..=10 {
        abhi.send(&format!("text {number} {rest}")).await.unwrap();
    }
    stream.until_place(10).await;
    world.store.lose_messages_after(abhi.key, 7);
    for seq in 8..=11 {
        let text = format!("new {seq} {rest}");
        assert_eq!(abhi.send(&text).await.unwrap().seq, seq);
        stream.until(&Shown::Message(seq, text)).await;
    }
    assert!(began_anew_at(&stream, 7));
    let seqs = stream.seqs();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8, 9, 10, 11]);
}

#[actix::test]
async fn a_pair_that_has_shown_nothing_yet_notices_a_loss_as_well() {
    let world = World::new();
    let ([_here, there], abhi, stream) = opened_late(&world, 5).await;
    let abhi = abhi.at(&there);
    world.store.lose_messages_after(abhi.key, 3);
    assert_eq!(abhi.send("new").await.unwrap().seq, 4);
    stream.until(&Shown::Message(4, "new".into())).await;
    abhi.send("next").await.unwrap();
    stream.until(&Shown::Message(5, "next".into())).await;
}

#[actix::test]
async fn a_pair_that_has_shown_nothing_yet_shows_what_others_send_after_a_loss() {
    for deaf in [false, true] {
        let world = World::new();
        let ([_here, there], abhi, stream) = opened_late(&world, 30).await;
        there.bus.set_deaf(deaf);
        world.store.lose_messages_after(abhi.key, 28);
        assert_eq!(abhi.send("new").await.unwrap().seq, 29);
        stream.until(&Shown::Message(29, "new".into())).await;
        there.bus.set_deaf(false);
        abhi.send("next").await.unwrap();
        stream.until(&Shown::Message(30, "next".into())).await;
    }
}

#[actix::test]
async fn a_loss_of_more_than_a_pair_has_shown_is_made_good_as_well() {
    for sent in 1..=3 {
        let world = World::new();
        let (_instances, abhi, stream) = opened_late(&world, 30).await;
        abhi.send("shown").await.unwrap();
        stream.until(&Shown::Message(31, "shown".into())).await;
        world.store.lose_messages_after(abhi.key, 29);
        for seq in 30..30 + sent {
            let text = format!("new {seq}");
            assert_eq!(abhi.send(&text).await.unwrap().seq, seq);
        }
        for seq in 30..30 + sent {
            let shown = Shown::Message(seq, format!("new {seq}"));
            stream.until(&shown).await;
        }
    }
}

#[actix::test]
async fn a_loss_is_found_by_a_comparison_where_no_message_tells_of_it() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    for number in 1..=4 {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    stream.until_place(4).await;
    there.bus.set_deaf(true);
    anny.receipt(4, 4).await.unwrap();
    world.store.lose_messages_after(abhi.key, 1);
    abhi.send("new").await.unwrap();
    stream.until(&Shown::Message(2, "new".into())).await;
    assert!(began_anew_at(&stream, 1));
}

#[actix::test]
async fn a_loss_of_what_nobody_had_seen_changes_nothing() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    for number in 1..=40 {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    stream.until_place(40).await;
    world.store.lose_messages_after(abhi.key, 40);
    abhi.send("next").await.unwrap();
    stream.until_place(41).await;
    assert_eq!(stream.seqs(), (1..=41).collect::<Vec<u64>>());
}

#[actix::test]
async fn a_stream_that_is_opened_before_a_loss_does_not_begin_behind_what_is_gone() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    for number in 1..=4 {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    let opened = Watch::begin(&anny, None).await.unwrap();
    world.store.lose_messages_after(abhi.key, 1);
    abhi.send("new").await.unwrap();
    let attached = Watch::attach(&anny, opened).await;
    assert!(attached.is_err(), "it would be shown message 5 next");
    let stream = Watch::open_after(&anny, Some(1)).await.unwrap();
    stream.until(&Shown::Message(2, "new".into())).await;
}

#[actix::test]
async fn a_stream_whose_mailbox_is_full_at_a_loss_misses_nothing() {
    // Somewhere in between the hello of the loss is the first event that finds no room.
    for sent in 10..=24_u64 {
        let world = World::new();
        let here = world.instance(roomy());
        let [abhi, anny] = here.couple(&world).await;
        let stream = Watch::open(&anny).await;
        stream.stall();
        for number in 1..=sent {
            abhi.send(&format!("text {number}")).await.unwrap();
        }
        world.store.lose_messages_after(abhi.key, sent - 2);
        let texts = [sent - 1, sent, sent + 1].map(|seq| (seq, format!("new {seq}")));
        for (seq, text) in &texts {
            assert_eq!(abhi.send(text).await.unwrap().seq, *seq);
        }
        stream.resume();
        eventually("it ends or shows everything", || async {
            let shown = stream.shown();
            let mut texts = texts.iter();
            stream.is_over()
                || texts.all(|(seq, text)| shown.contains(&Shown::Message(*seq, text.clone())))
        })
        .await;
    }
}

#[actix::test]
async fn marks_that_wait_for_the_store_count_no_message_that_takes_a_lost_ones_place() {
    let world = World::new();
    let here = world.instance(roomy());
    let held = here.store.hold(Call::DeferredWrite);
    let [abhi, anny] = here.couple(&world).await;
    for number in 1..=4 {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    eventually("the use of the session is being written", || async {
        here.store.is_waiting(Call::DeferredWrite)
    })
    .await;
    anny.receipt(4, 4).await.unwrap();
    world.store.lose_messages_after(abhi.key, 1);
    for seq in 2..=4 {
        assert_eq!(abhi.send("new").await.unwrap().seq, seq);
    }
    // The pair has noticed the loss before it answers this.
    let read = abhi.snapshot().await.unwrap().hello.marks[Seat::Two].read;
    drop(held);
    here.pairs.flush_deferred().await;
    assert_eq!(read, 0);
    let stored = world.load(abhi.key).await.position.marks[Seat::Two];
    assert_eq!(stored.read, 1);
}
