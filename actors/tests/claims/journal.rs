//! How messages become durable.

use actors::{Limits, Refusal, testing::Call};
use futures_util::future::{join, join_all};
use uuid::Uuid;

use crate::world::{Watch, World, roomy};

#[actix::test]
async fn while_one_commit_is_in_flight_the_next_batch_gathers() {
    let world = World::new();
    let here = world.instance(roomy());
    let mut people = Vec::new();
    for _ in 0..5 {
        people.extend(here.couple(&world).await);
    }
    let held = here.store.hold(Call::Append);
    let (first, others) = people.split_first().unwrap();
    let gather = async {
        here.until_appends(1).await;
        let release = async {
            here.until_metric("duet_journal_queue_messages", 9.0).await;
            drop(held);
        };
        join(
            join_all(others.iter().map(|person| person.send("Hello"))),
            release,
        )
        .await
        .0
    };
    let (first, others) = join(first.send("Hello"), gather).await;
    assert!(first.is_ok() && others.iter().all(Result::is_ok));
    assert_eq!(
        here.store.batch_lens(),
        [1, 9],
        "two commits carry ten messages"
    );
}

#[actix::test]
async fn a_batch_is_no_longer_than_its_limit() {
    let world = World::new();
    let here = world.instance(Limits {
        journal_batch_len_max: 4,
        ..roomy()
    });
    let [abhi, _anny] = here.couple(&world).await;
    let held = here.store.hold(Call::Append);
    let gather = async {
        here.until_appends(1).await;
        let release = async {
            here.until_metric("duet_journal_queue_messages", 9.0).await;
            drop(held);
        };
        join(join_all((0..9).map(|_| abhi.send("Hello"))), release)
            .await
            .0
    };
    let (first, others) = join(abhi.send("Hello"), gather).await;
    let sent = std::iter::once(first).chain(others);
    let places: Vec<u64> = sent.map(|sent| sent.unwrap().seq).collect();
    assert_eq!(
        places,
        (1..=10).collect::<Vec<u64>>(),
        "in the order in which they were sent"
    );
    assert_eq!(here.store.batch_lens(), [1, 4, 4, 1]);
}

#[actix::test]
async fn a_full_queue_refuses_at_once_and_takes_more_when_it_has_room() {
    let world = World::new();
    let here = world.instance(Limits {
        journal_queue_len_max: 4,
        ..roomy()
    });
    let [abhi, anny] = here.couple(&world).await;
    let held = here.store.hold(Call::Append);
    let beyond = async {
        here.until_appends(1).await;
        let (waiting, ()) = join(join_all((0..4).map(|_| abhi.send("waits"))), async {
            here.until_metric("duet_journal_queue_messages", 4.0).await;
            for _ in 0..3 {
                // The store is still held, so this answer did not wait for it.
                let refused = abhi.send("too much").await;
                assert!(
                    matches!(refused, Err(Refusal::Unavailable(_))),
                    "{refused:?}"
                );
            }
            drop(held);
        })
        .await;
        assert!(waiting.iter().all(Result::is_ok));
    };
    let (first, ()) = join(anny.send("in flight"), beyond).await;
    assert_eq!(first.unwrap().seq, 1);
    assert_eq!(abhi.send("room again").await.unwrap().seq, 6);
}

#[actix::test]
async fn a_text_the_store_refuses_costs_itself_alone() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let [other, _] = here.couple(&world).await;
    here.store.refuse_text("poison");
    let held = here.store.hold(Call::Append);
    let texts = ["first", "a", "b", "poison", "c", "d", "poison", "e"];
    let gather = async {
        here.until_appends(1).await;
        let release = async {
            here.until_metric("duet_journal_queue_messages", 8.0).await;
            drop(held);
        };
        let sending = join_all(texts[1..].iter().map(|text| abhi.send(text)));
        join(join(sending, other.send("elsewhere")), release)
            .await
            .0
    };
    let (first, (others, elsewhere)) = join(abhi.send(texts[0]), gather).await;
    let sent = std::iter::once(first).chain(others);
    for (text, sent) in texts.iter().zip(sent) {
        match *text {
            "poison" => assert!(matches!(sent, Err(Refusal::Defect(_))), "{sent:?}"),
            _ => assert!(sent.is_ok(), "{text} was lost: {sent:?}"),
        }
    }
    assert_eq!(elsewhere.unwrap().seq, 1);
    assert_eq!(
        anny.texts().await.unwrap(),
        ["first", "a", "b", "c", "d", "e"]
    );
}

#[actix::test]
async fn what_a_failing_store_did_not_take_is_stored_once_when_sent_again() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    let id = Uuid::new_v4();
    here.store.fail_next(Call::Append, 2);
    for _ in 0..2 {
        let failed = abhi.send_as(id, "Hello").await;
        assert!(matches!(failed, Err(Refusal::Unavailable(_))), "{failed:?}");
    }
    let sent = abhi.send_as(id, "Hello").await.unwrap();
    assert_eq!((sent.seq, sent.id), (1, id));
    assert_eq!(abhi.send_as(id, "Hello").await.unwrap(), sent);
    abhi.send("next").await.unwrap();
    stream.until_place(2).await;
    assert_eq!(stream.seqs(), [1, 2]);
}

#[actix::test]
async fn what_was_stored_though_the_answer_was_lost_is_found_and_shown_when_sent_again() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let streams = Watch::open_twice(&anny, &there).await;
    let id = Uuid::new_v4();
    here.store.lose_next_appends(1);
    let lost = abhi.send_as(id, "Hello").await;
    assert!(matches!(lost, Err(Refusal::Unavailable(_))), "{lost:?}");
    assert_eq!(abhi.send_as(id, "Hello").await.unwrap().seq, 1);
    for stream in &streams {
        stream.until_place(1).await;
    }
    abhi.send("next").await.unwrap();
    for stream in streams {
        stream.until_place(2).await;
        assert_eq!(stream.seqs(), [1, 2]);
    }
}

#[actix::test]
async fn an_id_sent_again_with_another_text_is_refused() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let id = Uuid::new_v4();
    abhi.send_as(id, "Hello").await.unwrap();
    assert_eq!(abhi.send_as(id, "Bye").await, Err(Refusal::MessageReused));
    assert_eq!(
        anny.send_as(id, "Bye").await.unwrap().seq,
        2,
        "each seat has its own ids"
    );
}

#[actix::test]
async fn a_sender_that_goes_away_does_not_stop_its_message() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    let held = here.store.hold(Call::Append);
    let sender = abhi.clone();
    let sending = actix::spawn(async move { sender.send("Hello").await });
    here.until_appends(1).await;
    sending.abort();
    sending.await.unwrap_err();
    drop(held);
    stream.until_place(1).await;
    assert_eq!(abhi.texts().await.unwrap(), ["Hello"]);
}

#[actix::test]
async fn a_message_that_meets_the_end_is_answered_as_gone() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let [other, _] = here.couple(&world).await;
    // The end comes from the same instance, and from another one.
    for (abhi, anny) in [(&abhi, anny.clone()), (&other, other.at(&there))] {
        let appends = here.store.batch_lens().len();
        let held = here.store.hold(Call::Append);
        let end = async {
            here.until_appends(appends + 1).await;
            anny.end_chat().await.unwrap();
            drop(held);
        };
        let (sent, ()) = join(abhi.send("too late"), end).await;
        assert_eq!(sent, Err(Refusal::Gone));
    }
}
