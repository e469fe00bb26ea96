//! What a panic in an adapter costs: one request at most, and no task.

use actors::{
    Login, Refusal,
    domain::{ChatKey, Marks, Notice, RegistrationId, Seat},
    ports::{Bus, Chats, Denied},
    testing::{BusCall, Call, eventually},
};
use futures_util::future::join;
use uuid::Uuid;

use crate::world::{Instance, LONG, Person, Watch, World, login_as, name, roomy};

/// Does something until it succeeds; answers how often it was refused as a defect.
async fn persist<T>(what: &str, mut work: impl AsyncFnMut() -> Result<T, Refusal>) -> (T, usize) {
    let mut defects = 0;
    loop {
        match work().await {
            Ok(done) => return (done, defects),
            Err(Refusal::Defect(_)) => defects += 1,
            Err(refusal) => panic!("{what}: {refusal:?}"),
        }
        assert!(defects < 10, "{what} fails for ever");
    }
}

/// Two people use what there is to use; answers how many requests were refused.
async fn talk(here: &Instance, abhi: &Person, anny: &Person) -> usize {
    let mut defects = 0;
    defects += persist("snapshot", async || abhi.snapshot().await).await.1;
    let open = async || Watch::open_after(anny, None).await;
    let (stream, refused) = persist("open a stream", open).await;
    defects += refused;
    let id = uuid::Uuid::new_v4();
    let send = async || abhi.send_as(id, "Hello").await;
    let (sent, refused) = persist("send", send).await;
    defects += refused;
    defects += persist("read", async || anny.texts().await).await.1;
    let receipt = async || anny.receipt(sent.seq, sent.seq).await;
    defects += persist("a receipt", receipt).await.1;
    stream.close();
    here.pairs.flush_deferred().await;
    defects
}

/// Everything that tasks do is done: messages arrive, marks are written, what is over goes.
async fn all_tasks_run(world: &World, here: &Instance) {
    let [abhi, anny] = here.couple(world).await;
    let there = world.instance(roomy());
    let stream = Watch::open(&anny.at(&there)).await;
    let own = Watch::open(&anny).await;
    let sent = abhi.send("Hello").await.unwrap();
    stream.until_place(sent.seq).await;
    own.until_place(sent.seq).await;
    there.bus.publish(
        abhi.key,
        Notice::Presence {
            seat: Seat::One,
            online: true,
            last_seen: None,
        },
    );
    own.until_presence_now(Seat::One, true).await;
    anny.receipt(sent.seq, sent.seq).await.unwrap();
    let marks = Marks {
        delivered: sent.seq,
        read: sent.seq,
    };
    eventually("marks are written", || async {
        world.load(abhi.key).await.position.marks[Seat::Two] == marks
    })
    .await;
    abhi.end_chat().await.unwrap();
    eventually("what is over is deleted", || async {
        world.store.messages_kept(abhi.key) == 0
    })
    .await;
    // The other instance would end it as well.
    drop((stream, there));
    let hash = world.chat().await;
    world.time.advance(LONG * 2);
    let key = actors::domain::ChatKey::of(&hash);
    eventually("a chat expires", || async {
        world.store.status(key).await.unwrap() == Err(Denied::Ended)
            && here.metric("duet_chats_expired_total") >= 1.0
    })
    .await;
    eventually("all tasks run", || async { here.tasks.down().is_empty() }).await;
}

async fn a_panic_of_the_store_costs_one_request(call: Call) {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    here.store.panic_next(call, 1);
    let defects = talk(&here, &abhi, &anny).await;
    assert!(defects <= 1, "{call:?} cost {defects} requests");
    if matches!(call, Call::Load | Call::Status) {
        // Asked for a chat that is not in memory.
        let [one, two] = world.instance(roomy()).couple(&world).await;
        let defects = talk(&here, &one.at(&here), &two.at(&here)).await;
        assert!(defects <= 1, "{call:?} cost {defects} requests");
    }
    if call == Call::End {
        persist("end", async || abhi.end_chat().await).await;
    }
    eventually(&format!("{call:?} panics"), || async {
        here.store.panics_left(call) == 0
    })
    .await;
    all_tasks_run(&world, &here).await;
}

#[actix::test]
async fn a_panic_of_the_store_costs_one_request_and_no_task() {
    let calls = [
        Call::Append,
        Call::CountChats,
        Call::End,
        Call::Expire,
        Call::History,
        Call::Load,
        Call::DeferredWrite,
        Call::Positions,
        Call::Purge,
        Call::Status,
    ];
    futures_util::future::join_all(calls.map(a_panic_of_the_store_costs_one_request)).await;
}

#[actix::test]
async fn a_panic_of_the_bus_costs_one_request_and_no_task() {
    for call in [
        BusCall::OpenElsewhere,
        BusCall::Publish,
        BusCall::SetOpen,
        BusCall::Subscribe,
        BusCall::Forget,
    ] {
        let world = World::new();
        let here = world.instance(roomy());
        let elsewhere = world.instance(roomy());
        let [abhi, anny] = elsewhere.couple(&world).await;
        here.bus.panic_next(call, 1);
        let defects = talk(&here, &abhi.at(&here), &anny.at(&here)).await;
        assert!(defects <= 1, "{call:?} cost {defects} requests");
        // It would end chats as well.
        drop(elsewhere);
        if call == BusCall::Forget {
            world.time.advance(LONG * 2);
        }
        eventually(&format!("{call:?} panics"), || async {
            here.bus.panics_left(call) == 0
        })
        .await;
        all_tasks_run(&world, &here).await;
    }
}

#[actix::test]
async fn a_task_that_does_not_run_is_told_and_started_again() {
    let world = World::new();
    let here = world.instance(roomy());
    here.store.panic_next(Call::Expire, 2);
    eventually("it is told", || async { here.tasks.down() == ["sweep"] }).await;
    all_tasks_run(&world, &here).await;
    assert_eq!(here.store.panics_left(Call::Expire), 0);
}

#[actix::test]
async fn a_message_that_panics_the_store_costs_no_other_in_its_batch() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let held = here.store.hold(Call::Append);
    let first = abhi.send("first");
    let more = async {
        here.until_appends(1).await;
        let sending = futures_util::future::join_all((0..8).map(|_| anny.send("Hello")));
        let release = async {
            here.until_metric("duet_journal_queue_messages", 8.0).await;
            here.store.panic_next(Call::Append, 2);
            drop(held);
        };
        join(sending, release).await.0
    };
    let (first, more) = join(first, more).await;
    let sent = more.iter().chain([&first]).filter(|sent| sent.is_ok());
    assert_eq!(sent.count(), 8, "{first:?} {more:?}");
    assert_eq!(abhi.texts().await.unwrap().len(), 8);
}

#[actix::test]
async fn a_chat_that_is_locked_elsewhere_holds_up_no_other() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let [other, reader] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    here.store.set_locked(abhi.key, true);
    let waiting: Vec<_> = ["first", "second", "third"]
        .map(|text| {
            let abhi = abhi.clone();
            actix::spawn(async move { abhi.send(text).await.unwrap().seq })
        })
        .into();
    here.until_appends(1).await;
    for number in 1..=20 {
        assert_eq!(other.send("Hello").await.unwrap().seq, number);
    }
    assert_eq!(reader.texts().await.unwrap().len(), 20);
    assert!(waiting.iter().all(|send| !send.is_finished()));
    here.store.set_locked(abhi.key, false);
    let mut places = Vec::new();
    for send in waiting {
        places.push(send.await.unwrap());
    }
    assert_eq!(places, [1, 2, 3], "they keep their order");
    stream.until_place(3).await;
    assert_eq!(stream.seqs(), [1, 2, 3]);
}

#[actix::test]
async fn a_part_of_the_store_that_takes_no_writes_holds_up_no_login_elsewhere() {
    let world = World::with_partitions(2);
    let here = world.instance(roomy());
    let [stuck, hash] = [0, 1].map(|part| world.chat_where(move |key| part_of(key) == part));
    let (stuck, hash) = (stuck.await, hash.await);
    let abhi = Person::sit(&here, &stuck, Seat::One).await;
    here.store.set_locked(abhi.key, true);
    let written = here.store.calls(Call::DeferredWrite);
    abhi.snapshot().await.unwrap();
    eventually("its session's use is being written", || async {
        here.store.calls(Call::DeferredWrite) > written
    })
    .await;
    // With an id, for which what is queued is written first.
    let login = Login {
        id: Some(RegistrationId::new(Uuid::new_v4())),
        ..login_as(&hash, name("Abhi"))
    };
    let pairs = here.pairs.clone();
    let login = actix::spawn(async move { pairs.ask(ChatKey::of(&hash), login).await });
    eventually("somebody logs in elsewhere", || async {
        login.is_finished()
    })
    .await;
    login.await.unwrap().unwrap();
}

/// The partition of a chat in a store of two.
fn part_of(key: ChatKey) -> usize {
    key.spread() % 2
}

#[actix::test]
async fn a_pair_that_is_told_more_than_it_takes_reads_it_from_the_store() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny.at(&there)).await;
    // Whatever it is told waits while it reads its chat.
    let held = there.store.hold(Call::Load);
    here.bus.publish(abhi.key, Notice::Sessions);
    eventually("it reads its chat", || async {
        there.store.is_waiting(Call::Load)
    })
    .await;
    const LAST: u64 = 3_000;
    for _ in 0..LAST {
        abhi.send("Hello").await.unwrap();
    }
    drop(held);
    stream.until_place(LAST).await;
    assert_eq!(stream.seqs(), (1..=LAST).collect::<Vec<u64>>());
}
