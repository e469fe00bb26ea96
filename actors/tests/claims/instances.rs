//! Two instances on one store, with a courier between them that may lose everything.

use std::{sync::Arc, time::Duration};

use actors::{
    Refusal,
    domain::{Message, MessageText, Seat, Seq, Timestamp},
    ports::{Bus, Notice},
    testing::{Call, eventually},
};
use futures_util::future::join;

use crate::world::{Instance, Person, Told, Watch, World, roomy};

#[actix::test]
async fn messages_sent_on_both_arrive_on_both_in_the_same_order() {
    const EACH: Seq = 60;
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let anny = anny.at(&there);
    let streams = [
        Watch::open(&abhi).await,
        Watch::open(&anny).await,
        Watch::open(&abhi.at(&there)).await,
        Watch::open(&anny.at(&here)).await,
    ];
    let talk = |person: &Person| {
        let person = person.clone();
        async move {
            for number in 1..=EACH {
                person
                    .send(&format!("{:?} {number}", person.seat))
                    .await
                    .unwrap();
            }
        }
    };
    join(talk(&abhi), talk(&anny)).await;
    let stored: Vec<Told> = world
        .history(abhi.key)
        .await
        .into_iter()
        .map(|message| Told::Message(message.seq, message.text.as_str().into()))
        .collect();
    assert_eq!(stored.len() as Seq, 2 * EACH);
    for stream in streams {
        stream.until_place(2 * EACH).await;
        let is_message = |told: &Told| matches!(told, Told::Message(..));
        let told: Vec<Told> = stream.told().into_iter().filter(is_message).collect();
        assert_eq!(told, stored);
    }
}

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
    assert_eq!(stream.places(), (1..=last).collect::<Vec<Seq>>());
    assert!(there.metric("duet_messages_healed_total") >= 300.0);
}

#[actix::test]
async fn what_the_bus_lost_is_made_good_when_it_says_so() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    for of_all in [true, false] {
        let ([abhi, _anny], stream) = couple_that_missed_one(&world, &here, &there).await;
        there.bus.report_missed((!of_all).then(|| vec![abhi.key]));
        stream.until(&Told::Message(1, "lost".into())).await;
        abhi.send("heard").await.unwrap();
        stream.until_place(2).await;
        assert_eq!(stream.places(), [1, 2]);
    }
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
        async move { anny.look().await }
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
    stream.until(&Told::Message(1, "lost".into())).await;
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
    stream.until(&Told::Message(1, "lost".into())).await;
}

#[actix::test]
async fn while_the_bus_is_away_the_store_is_asked_for_news() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    let phone = anny.again(&here).await;
    let logged_out = Watch::open(&phone.at(&there)).await;
    for instance in [&here, &there] {
        instance.bus.set_down(true);
        instance.bus.set_deaf(true);
    }
    assert_eq!(abhi.send("Hello").await.unwrap().online, None);
    stream.until_place(1).await;
    abhi.receipt(1, 1).await.unwrap();
    let marks = actors::domain::Marks {
        delivered: 1,
        read: 1,
    };
    stream.until(&Told::Receipt(Seat::One, marks)).await;
    assert_eq!(anny.at(&there).look().await.unwrap().hello.online, None);
    phone.log_out().await.unwrap();
    logged_out.until_over().await;
    abhi.end_chat().await.unwrap();
    stream.until(&Told::Ended { by: None }).await;
}

#[actix::test]
async fn instances_that_do_not_hear_each_other_see_it_in_the_store() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    there.bus.set_deaf(true);
    there.until_metric("duet_bus_split", 1.0).await;
    assert!(!there.pairs.bus_is_up() && here.pairs.bus_is_up());
    abhi.send("Hello").await.unwrap();
    stream.until_place(1).await;
    there.bus.set_deaf(false);
    there.until_metric("duet_bus_split", 0.0).await;
    assert!(there.pairs.bus_is_up());
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
    assert!(matches!(anny.look().await, Err(Refusal::Gone)));
    stream.until_over().await;
}

#[actix::test]
async fn an_end_on_one_ends_the_streams_on_the_other() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    abhi.end_chat().await.unwrap();
    stream
        .until(&Told::Ended {
            by: Some("Abhi".into()),
        })
        .await;
    stream.until_over().await;
    there.until_pairs(0).await;
}

#[actix::test]
async fn a_logout_on_one_ends_the_session_on_the_other() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let phone = abhi.again(&here).await;
    let (stays, goes) = (
        Watch::open(&abhi.at(&there)).await,
        Watch::open(&phone.at(&there)).await,
    );
    let watcher = Watch::open(&anny.at(&there)).await;
    phone.log_out().await.unwrap();
    goes.until_over().await;
    assert!(matches!(
        phone.at(&there).look().await,
        Err(Refusal::NoSession)
    ));
    abhi.log_out().await.unwrap();
    stays.until_over().await;
    assert!(matches!(
        abhi.at(&there).look().await,
        Err(Refusal::NoSession)
    ));
    watcher
        .until(&Told::Seat(Seat::One, actors::domain::SeatChange::Left))
        .await;
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
        abhi.at(&there).look().await,
        Err(Refusal::NoSession)
    ));
}

#[actix::test]
async fn an_instance_that_slept_looks_into_the_store_before_it_serves_anything() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let (phone, anny) = (abhi.at(&there), anny.at(&there));
    phone.look().await.unwrap();
    there.bus.set_deaf(true);
    abhi.log_out().await.unwrap();
    // Nobody has told it, and it did not sleep: it trusts what it holds.
    phone.seat().await.unwrap();
    world.time.advance(Duration::from_secs(2));
    assert!(matches!(phone.seat().await, Err(Refusal::NoSession)));
    anny.look().await.unwrap();
}

#[actix::test]
async fn an_instance_that_slept_serves_nothing_while_the_store_is_away() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [_abhi, anny] = here.couple(&world).await;
    let anny = anny.at(&there);
    anny.look().await.unwrap();
    world.time.advance(Duration::from_secs(2));
    there.store.fail_next(Call::Load, 1);
    assert!(matches!(anny.seat().await, Err(Refusal::Unavailable(_))));
    assert_eq!(anny.seat().await, Ok(Seat::Two));
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
    assert_eq!(stream.places(), [1, 2, 3, 4, 5, 6]);
    assert!(!stream.told().contains(&Told::Message(5, "lost".into())));
}

#[actix::test]
async fn a_login_the_bus_lost_is_known_on_the_other() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    anny.at(&there).look().await.unwrap();
    there.bus.set_deaf(true);
    let phone = abhi.again(&here).await;
    phone.at(&there).send("from the phone").await.unwrap();
    let stream = Watch::open_after(&phone.at(&there), Some(0)).await.unwrap();
    stream.until_place(1).await;
}

#[actix::test]
async fn an_instance_that_dies_costs_nothing_but_its_streams() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    for number in 1..=10 {
        abhi.send(&format!("text {number}")).await.unwrap();
    }
    stream.until_place(10).await;
    drop(here);
    abhi.at(&there).send("from the other one").await.unwrap();
    let back = Watch::open_after(&anny.at(&there), Some(10)).await.unwrap();
    back.until_place(11).await;
    assert_eq!(back.places(), [11]);
}

#[actix::test]
async fn a_chat_follows_its_people_from_instance_to_instance() {
    const LAST: Seq = 60;
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let sending = actix::spawn({
        let homes = [abhi.clone(), abhi.at(&there)];
        async move {
            for number in 1..=LAST {
                let home = &homes[number as usize / 7 % 2];
                home.send(&format!("text {number}")).await.unwrap();
            }
        }
    });
    let mut seen: Vec<Seq> = Vec::new();
    for home in [&here, &there].into_iter().cycle() {
        let last = seen.last().copied().unwrap_or(0);
        if last == LAST {
            break;
        }
        let stream = Watch::open_after(&anny.at(home), Some(last)).await.unwrap();
        eventually("something arrives", || async {
            !stream.places().is_empty()
        })
        .await;
        stream.close();
        stream.until_over().await;
        seen.extend(stream.places());
    }
    sending.await.unwrap();
    assert_eq!(seen, (1..=LAST).collect::<Vec<Seq>>());
}
