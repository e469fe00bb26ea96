//! Marks and typing.

use actors::{
    AnswerAsk, AskToEnter, Login, LoginProof, Refusal,
    domain::{Marks, RegistrationId, Seat},
    testing::{Call, eventually},
};

use uuid::Uuid;

use crate::world::{Shown, Watch, World, login_as, name_at, roomy};

#[actix::test]
async fn marks_never_move_back_and_are_told_when_they_move() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    for _ in 0..5 {
        abhi.send("Hello").await.unwrap();
    }
    for (delivered, read) in [(3, 1), (2, 0), (3, 1), (1, 4), (5, 5), (0, 0)] {
        anny.receipt(delivered, read).await.unwrap();
    }
    anny.typing().await.unwrap();
    watcher.until(&Shown::Typing(Seat::Two)).await;
    let receipt = |delivered, read| Shown::Receipt(Seat::Two, Marks { delivered, read });
    let shown = watcher
        .news()
        .into_iter()
        .filter(|shown| matches!(shown, Shown::Receipt(..)));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [receipt(3, 1), receipt(4, 4), receipt(5, 5)]
    );
    let marks = abhi.snapshot().await.unwrap().hello.marks;
    assert_eq!(
        marks[Seat::Two],
        Marks {
            delivered: 5,
            read: 5
        }
    );
    assert_eq!(marks[Seat::One], Marks::default());
}

#[actix::test]
async fn marks_cross_instances_and_never_move_back_there() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    for _ in 0..3 {
        abhi.send("Hello").await.unwrap();
    }
    let marks = |delivered, read| Marks { delivered, read };
    anny.at(&there).receipt(3, 2).await.unwrap();
    watcher.until(&Shown::Receipt(Seat::Two, marks(3, 2))).await;
    // The phone, over here, is not as far.
    anny.receipt(1, 1).await.unwrap();
    anny.receipt(3, 3).await.unwrap();
    watcher.until(&Shown::Receipt(Seat::Two, marks(3, 3))).await;
    let receipts = watcher
        .news()
        .into_iter()
        .filter(|shown| matches!(shown, Shown::Receipt(..)));
    assert_eq!(receipts.count(), 2);
    eventually("the other instance knows", || async {
        let looked = anny.at(&there).snapshot().await.unwrap();
        looked.hello.marks[Seat::Two] == marks(3, 3)
    })
    .await;
}

#[actix::test]
async fn a_mark_above_the_last_message_is_refused_wherever_that_message_is_from() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let refused =
        |field| move |refusal| matches!(refusal, Refusal::Invalid { field: of, .. } if of == field);
    assert!(anny.receipt(1, 0).await.is_err_and(refused("delivered")));
    assert!(anny.receipt(0, 1).await.is_err_and(refused("read")));
    anny.snapshot().await.unwrap();
    here.bus.set_deaf(true);
    abhi.at(&there).send("unheard of here").await.unwrap();
    anny.receipt(1, 1).await.unwrap();
    assert!(anny.receipt(2, 1).await.is_err());
}

#[actix::test]
async fn marks_outlast_a_store_that_is_away() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    here.store.fail_next(Call::DeferredWrite, 2);
    anny.receipt(1, 1).await.unwrap();
    eventually("they are written down after all", || async {
        let chat = world.load(abhi.key).await;
        chat.position.marks[Seat::Two]
            == Marks {
                delivered: 1,
                read: 1,
            }
    })
    .await;
}

#[actix::test]
async fn marks_that_wait_for_the_store_are_not_taken_back_by_a_pair_that_does_not_know_them() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    for _ in 0..3 {
        abhi.send("Hello").await.unwrap();
    }
    here.store.fail_next(Call::DeferredWrite, usize::MAX);
    anny.receipt(3, 2).await.unwrap();
    here.clock.panic_next(1);
    anny.snapshot().await.unwrap_err();
    // The fresh pair has read the store, which was not told yet.
    anny.receipt(1, 1).await.unwrap();
    here.store.fail_next(Call::DeferredWrite, 0);
    here.pairs.flush_deferred().await;
    let marks = world.load(abhi.key).await.position.marks[Seat::Two];
    assert_eq!(
        marks,
        Marks {
            delivered: 3,
            read: 2
        }
    );
}

#[actix::test]
async fn marks_outlast_a_store_that_is_away_while_somebody_logs_in() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    here.pairs.flush_deferred().await;
    anny.receipt(1, 1).await.unwrap();
    here.store.fail_next(Call::DeferredWrite, 1);
    // A login that can be recognised has everything that was noted written down first.
    let login = Login {
        proof: abhi.return_code.clone().map(LoginProof::ReturnCode),
        id: Some(RegistrationId::new(Uuid::new_v4())),
        ..login_as(&abhi.hash, name_at(Seat::One))
    };
    here.pairs.ask(abhi.key, login).await.unwrap();
    eventually("they are written down after all", || async {
        let chat = world.load(abhi.key).await;
        chat.position.marks[Seat::Two]
            == Marks {
                delivered: 1,
                read: 1,
            }
    })
    .await;
}

#[actix::test]
async fn what_was_noted_is_written_before_the_process_ends() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    for seq in [0, 1] {
        anny.receipt(1, seq).await.unwrap();
        here.pairs.flush_deferred().await;
        let chat = world.load(abhi.key).await;
        assert_eq!(
            chat.position.marks[Seat::Two],
            Marks {
                delivered: 1,
                read: seq
            }
        );
    }
}

#[actix::test]
async fn typing_is_passed_on_but_not_every_time() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watchers = Watch::open_twice(&abhi, &there).await;
    for _ in 0..10 {
        anny.typing().await.unwrap();
    }
    abhi.typing().await.unwrap();
    anny.send("done").await.unwrap();
    for watcher in watchers {
        watcher.until_place(1).await;
        let typing = |of| {
            watcher
                .news()
                .into_iter()
                .filter(|shown| *shown == Shown::Typing(of))
                .count()
        };
        assert_eq!(typing(Seat::Two), 1);
        assert_eq!(typing(Seat::One), 1, "each seat for itself");
    }
}

#[actix::test]
async fn a_mark_that_was_accepted_outlasts_its_session() {
    for is_replaced in [false, true] {
        let world = World::new();
        let here = world.instance(roomy());
        let [abhi, anny] = here.couple(&world).await;
        abhi.send("Hello").await.unwrap();
        let ask = AskToEnter {
            name: name_at(Seat::Two),
            auth: None,
        };
        here.pairs.ask(abhi.key, ask).await.unwrap();
        let answer = AnswerAsk {
            by: abhi.by,
            ask_ref: abhi.snapshot().await.unwrap().hello.asks[0].ask_ref,
            allow: true,
        };
        here.pairs.flush_deferred().await;
        anny.receipt(1, 1).await.unwrap();
        match is_replaced {
            true => here.pairs.ask(abhi.key, answer).await.unwrap(),
            false => anny.log_out().await.unwrap(),
        }
        here.pairs.flush_deferred().await;
        let marks = world.load(abhi.key).await.position.marks;
        assert_eq!(marks[Seat::Two].read, 1, "replaced: {is_replaced}");
    }
}

#[actix::test]
async fn a_mark_that_was_accepted_outlasts_a_session_that_ends_on_another_instance() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    let held = there.store.hold(Call::DeferredWrite);
    anny.at(&there).receipt(1, 1).await.unwrap();
    anny.log_out().await.unwrap();
    drop(held);
    there.pairs.flush_deferred().await;
    let marks = world.load(abhi.key).await.position.marks;
    assert_eq!(marks[Seat::Two].read, 1);
}

#[actix::test]
async fn a_mark_that_comes_while_its_session_logs_out_is_refused_or_stored() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    let checked = here.store.hold(Call::CheckSessions);
    let (reader, leaver) = (anny.clone(), anny.clone());
    let marking = actix::spawn(async move { reader.receipt(1, 1).await });
    eventually("its session is checked", || async {
        here.store.is_waiting(Call::CheckSessions)
    })
    .await;
    let ended = here.store.hold(Call::Other);
    let leaving = actix::spawn(async move { leaver.log_out().await });
    eventually("it logs out", || async {
        here.store.is_waiting(Call::Other)
    })
    .await;
    drop(checked);
    eventually("its session was alive", || async {
        !here.store.is_waiting(Call::CheckSessions)
    })
    .await;
    drop(ended);
    leaving.await.unwrap().unwrap();
    let marked = marking.await.unwrap();
    here.pairs.flush_deferred().await;
    let stored = world.load(abhi.key).await.position.marks[Seat::Two].read;
    let shown = abhi.snapshot().await.unwrap().hello.marks[Seat::Two].read;
    assert_eq!((marked.is_ok(), shown), (stored == 1, stored), "{marked:?}");
}
