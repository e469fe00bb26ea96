//! Two instances on one store, with a courier between them that may lose everything.

use std::time::Duration;

use actors::{
    Refusal,
    domain::{Seat, Seq},
    testing::{Call, eventually},
};
use futures_util::future::join;

use crate::world::{Person, Shown, Watch, World, roomy};

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
    let stored: Vec<Shown> = world
        .history(abhi.key)
        .await
        .into_iter()
        .map(|message| Shown::Message(message.seq, message.text.as_str().into()))
        .collect();
    assert_eq!(stored.len() as Seq, 2 * EACH);
    for stream in streams {
        stream.until_place(2 * EACH).await;
        let is_message = |shown: &Shown| matches!(shown, Shown::Message(..));
        let shown: Vec<Shown> = stream.shown().into_iter().filter(is_message).collect();
        assert_eq!(shown, stored);
    }
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
    stream.until(&Shown::Receipt(Seat::One, marks)).await;
    assert_eq!(anny.at(&there).snapshot().await.unwrap().hello.online, None);
    phone.log_out().await.unwrap();
    logged_out.until_over().await;
    abhi.end_chat().await.unwrap();
    stream.until(&Shown::Ended { by: None }).await;
}

#[actix::test]
async fn an_answer_of_the_store_that_was_slow_makes_no_later_question_rare() {
    let world = World::new();
    let here = world.instance(roomy());
    let [_abhi, anny] = here.couple(&world).await;
    let _stream = Watch::open(&anny).await;
    let held = here.store.hold(Call::Positions);
    here.bus.set_down(true);
    let asked = || here.metric("duet_news_queries_total");
    eventually("the store is asked for news", || async { asked() >= 1.0 }).await;
    // What is left to a store whose every answer takes so long is more than the time below.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let before = asked();
    drop(held);
    eventually("it is asked as often as ever", || async {
        asked() >= before + 5.0
    })
    .await;
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
async fn an_end_on_one_ends_the_streams_on_the_other() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    abhi.end_chat().await.unwrap();
    stream
        .until(&Shown::Ended {
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
        phone.at(&there).snapshot().await,
        Err(Refusal::NoSession)
    ));
    abhi.log_out().await.unwrap();
    stays.until_over().await;
    assert!(matches!(
        abhi.at(&there).snapshot().await,
        Err(Refusal::NoSession)
    ));
    watcher
        .until(&Shown::Seat(Seat::One, actors::domain::SeatChange::Left))
        .await;
}

#[actix::test]
async fn an_instance_that_slept_looks_into_the_store_before_it_serves_anything() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let (phone, anny) = (abhi.at(&there), anny.at(&there));
    phone.snapshot().await.unwrap();
    there.bus.set_deaf(true);
    abhi.log_out().await.unwrap();
    // Nobody has told it, and it did not sleep: it trusts what it holds.
    phone.prove_seat().await.unwrap();
    world.time.advance(Duration::from_secs(2));
    assert!(matches!(phone.prove_seat().await, Err(Refusal::NoSession)));
    anny.snapshot().await.unwrap();
}

#[actix::test]
async fn an_instance_that_slept_serves_nothing_while_the_store_is_away() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [_abhi, anny] = here.couple(&world).await;
    let anny = anny.at(&there);
    anny.snapshot().await.unwrap();
    world.time.advance(Duration::from_secs(2));
    there.store.fail_next(Call::Load, 1);
    assert!(matches!(
        anny.prove_seat().await,
        Err(Refusal::Unavailable(_))
    ));
    assert_eq!(anny.prove_seat().await, Ok(()));
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
    assert_eq!(back.seqs(), [11]);
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
        eventually("something arrives", || async { !stream.seqs().is_empty() }).await;
        stream.close();
        stream.until_over().await;
        seen.extend(stream.seqs());
    }
    sending.await.unwrap();
    assert_eq!(seen, (1..=LAST).collect::<Vec<Seq>>());
}
