//! The store decides who may do what: an instance that has not heard of an ended session does
//! nothing for it.

use std::time::Duration;

use actors::{
    NameSeatTwo, OpenStream, Refusal,
    domain::{Marks, Seq, Token, UserName},
    testing::{Call, eventually},
};

use crate::world::{Instance, Person, Watch, World, roomy};

/// Somebody at an instance that holds the chat, and does not hear that the session has ended.
async fn ended_unheard(world: &World) -> (Person, Instance) {
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(world).await;
    anny.send("Hello").await.unwrap();
    let phone = abhi.at(&there);
    phone.snapshot().await.unwrap();
    there.bus.set_deaf(true);
    abhi.log_out().await.unwrap();
    assert!(phone.prove_seat().await.is_ok(), "it has not heard of it");
    (phone, there)
}

#[actix::test]
async fn a_session_whose_end_was_not_heard_can_do_nothing() {
    let acts = [
        "read", "send", "receipt", "typing", "snapshot", "stream", "end",
    ];
    for act in acts {
        let world = World::new();
        let (phone, _there) = ended_unheard(&world).await;
        let by = phone.by;
        let outcome = match act {
            "read" => phone.texts().await.map(|_| ()),
            "send" => phone.send("too late").await.map(|_| ()),
            "receipt" => phone.receipt(1, 1).await,
            "typing" => phone.typing().await,
            "snapshot" => phone.snapshot().await.map(|_| ()),
            "stream" => {
                let open = OpenStream { by, after: None };
                phone.pairs().ask(phone.key, open).await.map(|_| ())
            }
            _ => phone.end_chat().await,
        };
        assert_eq!(outcome, Err(Refusal::NoSession), "{act}");
        assert_eq!(world.history(phone.key).await.len(), 1, "{act}");
        assert_eq!(phone.prove_seat().await, Err(Refusal::NoSession), "{act}");
    }
}

#[actix::test]
async fn a_refusal_by_the_store_ends_the_sessions_streams() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, _anny] = here.couple(&world).await;
    let (phone, other) = (abhi.again(&here).await.at(&there), abhi.at(&there));
    let (goes, stays) = (Watch::open(&phone).await, Watch::open(&other).await);
    there.bus.set_deaf(true);
    phone.at(&here).log_out().await.unwrap();
    assert_eq!(phone.send("late").await, Err(Refusal::NoSession));
    goes.until_over().await;
    other.send("still here").await.unwrap();
    stays.until_place(1).await;
}

#[actix::test]
async fn a_stream_whose_sessions_end_was_not_heard_ends_with_a_comparison() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let (goes, stays) = (
        Watch::open(&abhi.at(&there)).await,
        Watch::open(&anny.at(&there)).await,
    );
    there.bus.set_deaf(true);
    abhi.log_out().await.unwrap();
    goes.until_over().await;
    anny.send("Hello?").await.unwrap();
    stays.until_place(1).await;
}

#[actix::test]
async fn marks_that_another_instance_stored_unheard_come_with_a_comparison() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    let stream = Watch::open(&abhi.at(&there)).await;
    there.bus.set_deaf(true);
    anny.receipt(1, 1).await.unwrap();
    let read = Marks {
        delivered: 1,
        read: 1,
    };
    stream
        .until(&crate::world::Shown::Receipt(anny.seat, read))
        .await;
}

#[actix::test]
async fn checks_of_many_sessions_share_a_call() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    let held = here.store.hold(Call::CheckSessions);
    let first = abhi.snapshot();
    let rest = async {
        eventually("the first is asked for", || async {
            here.store.is_waiting(Call::CheckSessions)
        })
        .await;
        let marks = (0..20).map(|_| anny.receipt(1, 1));
        let marks = futures_util::future::join_all(marks);
        let (marked, ()) = futures_util::future::join(marks, async {
            here.store.fail_next(Call::CheckSessions, 1);
            drop(held);
        })
        .await;
        marked
    };
    let (looked, marked) = futures_util::future::join(first, rest).await;
    // The one call that fails fails for those who were in it, and no others.
    assert!(matches!(looked, Err(Refusal::Unavailable(_))), "{looked:?}");
    assert!(marked.iter().all(Result::is_ok), "{marked:?}");
}

#[actix::test]
async fn a_second_flush_waits_for_what_the_first_one_writes() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    anny.send("Hello").await.unwrap();
    let held = here.store.hold(Call::DeferredWrite);
    abhi.receipt(1, 1).await.unwrap();
    let first = here.pairs.flush_deferred();
    let rest = async {
        eventually("the first is being written", || async {
            here.store.is_waiting(Call::DeferredWrite)
        })
        .await;
        let mut second = Box::pin(here.pairs.flush_deferred());
        let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
        assert!(early.is_err(), "what was noted before is not stored yet");
        drop(held);
        second.await;
        let chat = world.load(abhi.key).await;
        assert_eq!(chat.position.marks[abhi.seat].read, 1);
    };
    futures_util::future::join(first, rest).await;
}

#[actix::test]
async fn tokens_that_are_made_up_share_a_look_into_the_store() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let made_up = |_| {
        let mut nobody = abhi.clone();
        nobody.by = Token::generate(abhi.key, &mut rand::rng()).digest();
        async move { nobody.prove_seat().await }
    };
    let held = here.store.hold(Call::Load);
    let before = here.store.calls(Call::Load);
    let refused = futures_util::future::join_all((0..50).map(made_up));
    let (refused, ()) = futures_util::future::join(refused, async {
        eventually("one of them is looked for", || async {
            here.store.is_waiting(Call::Load)
        })
        .await;
        drop(held);
    })
    .await;
    assert!(
        refused
            .iter()
            .all(|refused| *refused == Err(Refusal::NoSession))
    );
    let looks = here.store.calls(Call::Load) - before;
    // A look serves all that were asked for when it began. Those that come meanwhile share the next one, and on a busy machine
    // the fifty do not come at once.
    assert!(looks <= 10, "{looks} looks for 50 tokens");
}

#[actix::test]
async fn a_name_that_stands_is_not_written_again() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    here.store.fail_next(Call::Other, 1);
    for name in ["Eve", "Abhi"] {
        let name = UserName::parse(name).unwrap();
        let naming = NameSeatTwo { name, auth: None };
        let refused = here.pairs.ask(abhi.key, naming).await;
        assert_eq!(refused, Err(Refusal::NamedBefore));
    }
}

/// From now on an instance hears the others, and nothing of the store.
fn cut_off_from_store(instance: &Instance) {
    for call in [Call::Load, Call::Positions, Call::CheckSessions] {
        instance.store.fail_next(call, usize::MAX);
    }
}

#[actix::test]
async fn an_ended_session_is_shown_nothing_more_where_the_store_is_out_of_reach() {
    for is_last in [true, false] {
        let world = World::new();
        let (here, there) = (world.instance(roomy()), world.instance(roomy()));
        let [abhi, anny] = here.couple(&world).await;
        let phone = match is_last {
            true => abhi.clone(),
            false => abhi.again(&here).await,
        };
        let unheard = phone.at(&there);
        let stream = Watch::open(&unheard).await;
        let opened = Watch::begin(&unheard, None).await.unwrap();
        cut_off_from_store(&there);
        phone.log_out().await.unwrap();
        anny.send("not for that phone").await.unwrap();
        stream.until_over().await;
        assert_eq!(stream.seqs(), [] as [Seq; 0]);
        let attached = Watch::attach(&unheard, opened).await;
        assert!(attached.is_err(), "it would be shown what comes next");
    }
}

#[actix::test]
async fn a_logout_ends_its_streams_though_the_chat_cannot_be_read_after_it() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let phone = abhi.again(&here).await;
    let stream = Watch::open(&phone).await;
    cut_off_from_store(&here);
    phone.log_out().await.unwrap();
    stream.until_over().await;
}

#[actix::test]
async fn a_stream_that_is_opened_while_the_others_are_cut_off_is_refused() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let phone = abhi.at(&there);
    phone.snapshot().await.unwrap();
    let checked = there.store.hold(Call::CheckSessions);
    let opening = actix::spawn(async move { Watch::begin(&phone, None).await.map(drop) });
    eventually("the session is checked", || async {
        there.store.is_waiting(Call::CheckSessions)
    })
    .await;
    let read = there.store.hold(Call::Load);
    anny.again(&here).await;
    eventually("the chat is read again", || async {
        there.store.is_waiting(Call::Load)
    })
    .await;
    drop(checked);
    eventually("the session was alive", || async {
        !there.store.is_waiting(Call::CheckSessions)
    })
    .await;
    abhi.log_out().await.unwrap();
    cut_off_from_store(&there);
    drop(read);
    assert!(opening.await.unwrap().is_err());
}
