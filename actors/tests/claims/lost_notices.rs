//! What the bus lost on its way to another instance.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actors::{
    Refusal,
    domain::{Message, MessageText, Notice, Seat, Seq, Timestamp},
    ports::Bus,
    testing::{Call, eventually},
};

use crate::world::{Instance, Person, Shown, Watch, World, roomy};

/// Two people, and the second one's stream there, which the first message has not reached.
async fn couple_that_missed_one(
    world: &World,
    here: &Instance,
    there: &Instance,
) -> ([Person; 2], Watch) {
    let [abhi, anny] = here.couple(world).await;
    let stream = Watch::open(&anny.at(there)).await;
    there.bus.set_deaf(true);
    abhi.send("lost").await.unwrap();
    there.bus.set_deaf(false);
    ([abhi, anny], stream)
}

#[actix::test]
async fn what_the_bus_lost_is_made_good_by_the_next_message() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    abhi.send("heard").await.unwrap();
    stream.until_place(1).await;
    there.bus.set_deaf(true);
    for _ in 0..300 {
        abhi.send("lost").await.unwrap();
    }
    there.bus.set_deaf(false);
    let last = abhi.send("heard again").await.unwrap().seq;
    stream.until_place(last).await;
    assert_eq!(stream.seqs(), (1..=last).collect::<Vec<Seq>>());
    assert!(there.metric("duet_messages_healed_total") >= 300.0);
}

#[actix::test]
async fn what_the_bus_lost_is_made_good_when_it_says_so() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    for of_all in [true, false] {
        let ([abhi, _anny], stream) = couple_that_missed_one(&world, &here, &there).await;
        there.bus.report_missed((!of_all).then(|| vec![abhi.key]));
        stream.until(&Shown::Message(1, "lost".into())).await;
        abhi.send("heard").await.unwrap();
        stream.until_place(2).await;
        assert_eq!(stream.seqs(), [1, 2]);
    }
}

#[actix::test]
async fn a_chat_that_the_store_cannot_read_keeps_no_other_from_catching_up() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let mut chats = Vec::new();
    for _ in 0..5 {
        chats.push(couple_that_missed_one(&world, &here, &there).await);
    }
    let ([damaged, _], _) = &chats[2];
    there.store.damage(damaged.key);
    there.bus.report_missed(None);
    for ([abhi, _], stream) in &chats {
        if abhi.key != damaged.key {
            stream.until(&Shown::Message(1, "lost".into())).await;
        }
    }
}

#[actix::test]
async fn a_store_that_does_not_answer_is_asked_twice_a_second_however_often_something_is_found_missing()
 {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    there.store.fail_next(Call::History, usize::MAX);
    let began = Instant::now();
    let ([_abhi, anny], stream) = couple_that_missed_one(&world, &here, &there).await;
    let anny = anny.at(&there);
    for _ in 0..50 {
        assert_eq!(anny.snapshot().await.unwrap().hello.last_seq, 1);
    }
    let asked = there.store.calls(Call::History);
    let paused = began.elapsed().as_millis() / 500;
    assert!(asked as u128 <= 1 + paused, "{asked} times");
    there.store.fail_next(Call::History, 0);
    stream.until(&Shown::Message(1, "lost".into())).await;
}

#[actix::test]
async fn what_is_asked_of_the_store_comes_to_its_end_while_the_chat_is_read_again() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let ([abhi, anny], stream) = couple_that_missed_one(&world, &here, &there).await;
    let calls = [Call::History, Call::CheckSessions];
    let asked = calls.map(|call| there.store.hold(call));
    let read_again = there.store.hold(Call::Load);
    abhi.send("heard").await.unwrap();
    let looking = actix::spawn({
        let anny = anny.at(&there);
        async move { anny.snapshot().await }
    });
    eventually("both calls are made", || async {
        calls.iter().all(|call| there.store.is_waiting(*call))
    })
    .await;
    abhi.log_out().await.unwrap();
    eventually("the chat is read again", || async {
        there.store.is_waiting(Call::Load)
    })
    .await;
    // Whoever makes a call holds a connection, and reading the chat again may wait for just that.
    drop(asked);
    eventually("both calls are over", || async {
        !calls.iter().any(|call| there.store.is_waiting(*call))
    })
    .await;

    drop(read_again);
    stream.until_place(2).await;
    assert_eq!(looking.await.unwrap().unwrap().hello.last_seq, 2);
}

#[actix::test]
async fn a_loss_that_is_reported_over_and_over_is_made_good_once() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let ([abhi, _anny], stream) = couple_that_missed_one(&world, &here, &there).await;
    let held = there.store.hold(Call::Positions);
    for _ in 0..500 {
        there.bus.report_missed(None);
    }
    eventually("the store is asked", || async {
        there.store.is_waiting(Call::Positions)
    })
    .await;
    drop(held);
    stream.until(&Shown::Message(1, "lost".into())).await;
    // It is told how things stand after each reading: once for the first report, and once for
    // those that came while the store was asked.
    eventually("it is told how things stand", || async {
        stream.hello_count() > 1
    })
    .await;
    abhi.send("heard").await.unwrap();
    stream.until_place(2).await;
    assert!(stream.hello_count() <= 4, "{} times", stream.hello_count());
}

#[actix::test]
async fn what_the_bus_lost_without_a_word_is_made_good_by_the_audit() {
    let world = World::new();
    let here = world.instance(roomy());
    // One of the first whose turn comes.
    let hash = world.chat_where(|key| key.spread() % 30 == 1).await;
    let [abhi, anny] = here.couple_of(&hash).await;
    let there = world.instance(roomy());
    let stream = Watch::open(&anny.at(&there)).await;
    there.bus.set_deaf(true);
    abhi.send("lost").await.unwrap();
    stream.until(&Shown::Message(1, "lost".into())).await;
}

#[actix::test]
async fn an_end_the_bus_lost_is_seen_by_the_next_request() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let anny = anny.at(&there);
    let stream = Watch::open(&anny).await;
    there.bus.set_deaf(true);
    abhi.end_chat().await.unwrap();
    assert_eq!(anny.texts().await, Err(Refusal::Gone));
    assert_eq!(anny.send("late").await, Err(Refusal::Gone));
    assert!(matches!(anny.snapshot().await, Err(Refusal::Gone)));
    stream.until_over().await;
}

#[actix::test]
async fn a_logout_the_bus_lost_takes_effect_when_the_loss_is_reported() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, _anny] = here.couple(&world).await;
    let stream = Watch::open(&abhi.at(&there)).await;
    there.bus.set_deaf(true);
    abhi.log_out().await.unwrap();
    there.bus.report_missed(None);
    stream.until_over().await;
    assert!(matches!(
        abhi.at(&there).snapshot().await,
        Err(Refusal::NoSession)
    ));
}

#[actix::test]
async fn what_was_announced_and_is_not_in_the_store_is_not_read_for_for_ever() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    // As when a database that had not copied everything took another's place.
    let lost = Message {
        seq: 5,
        id: uuid::Uuid::new_v4(),
        seat: Seat::One,
        text: MessageText::parse("lost".into()).unwrap(),
        at: Timestamp::from_unix_ms(0),
    };
    here.bus.publish(abhi.key, Notice::Message(Arc::new(lost)));
    eventually("nothing is read any more", || async {
        let held = there.store.hold(Call::History);
        actix::clock::sleep(Duration::from_millis(20)).await;
        let reads = there.store.is_waiting(Call::History);
        drop(held);
        !reads
    })
    .await;
    for number in 1..=6 {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    stream.until_place(6).await;
    assert_eq!(stream.seqs(), [1, 2, 3, 4, 5, 6]);
    assert!(!stream.shown().contains(&Shown::Message(5, "lost".into())));
}

#[actix::test]
async fn a_login_the_bus_lost_is_known_on_the_other() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    anny.at(&there).snapshot().await.unwrap();
    there.bus.set_deaf(true);
    let phone = abhi.again(&here).await;
    phone.at(&there).send("from the phone").await.unwrap();
    let stream = Watch::open_after(&phone.at(&there), Some(0)).await.unwrap();
    stream.until_place(1).await;
}
