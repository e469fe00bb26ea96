//! Open streams: each one for itself, and none of them a burden on the others.

use std::time::Duration;

use actors::{
    Limits, Refusal,
    domain::{Seat, Seq},
    ports::Clock,
    testing::{Call, eventually},
};

use crate::world::{LONG, Shown, Watch, World, roomy};

#[actix::test]
async fn a_stream_that_does_not_read_holds_up_nothing_and_misses_nothing() {
    const SENT: Seq = 200;
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let reading = [Watch::open(&abhi).await, Watch::open(&anny).await];
    let stalled = Watch::open(&anny).await;
    stalled.stall();
    let all: Vec<Seq> = (1..=SENT).collect();
    for seq in &all {
        abhi.send("Hello").await.unwrap();
        for stream in &reading {
            stream.until_place(*seq).await;
        }
    }
    for stream in &reading {
        assert_eq!(stream.seqs(), all);
        assert!(!stream.is_over());
    }
    let waiting = here.metric("duet_messages_delivered_total") - 2.0 * SENT as f64;
    assert!(
        waiting < 20.0,
        "no more than its box holds waits for it, not {waiting}"
    );

    stalled.resume();
    stalled.until_place(SENT).await;
    anny.send("live again").await.unwrap();
    stalled.until_place(SENT + 1).await;
    assert_eq!(stalled.seqs(), (1..=SENT + 1).collect::<Vec<Seq>>());
}

#[actix::test]
async fn a_stream_that_falls_behind_again_and_again_still_shows_everything_once() {
    const SENT: Seq = 150;
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let stream = Watch::open(&anny).await;
    for seq in 1..=SENT {
        match seq % 50 {
            10 => stream.stall(),
            45 => stream.resume(),
            _ => {}
        }
        abhi.send("Hello").await.unwrap();
    }
    stream.until_place(SENT).await;
    assert_eq!(stream.seqs(), (1..=SENT).collect::<Vec<Seq>>());
}

/// Mostly it is reading what it missed when its client stops taking that, too.
#[actix::test]
async fn a_stream_that_ends_before_it_has_caught_up_is_counted_as_cut() {
    const CUT: &str = "duet_streams_cut_total";
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let [catches_up, cut] = [Watch::open(&anny).await, Watch::open(&anny).await];
    let mut sent = 0;
    let mut fall_behind = async |stream: &Watch| {
        stream.stall();
        for _ in 0..50 {
            abhi.send("Hello").await.unwrap();
        }
        sent += 50;
        stream.resume();
        sent
    };
    let last = fall_behind(&catches_up).await;
    catches_up.until_place(last).await;
    cut.until_place(last).await;
    abhi.send("live again").await.unwrap();
    catches_up.until_place(last + 1).await;
    catches_up.close();
    here.until_metric("duet_streams", 1.0).await;
    assert_eq!(here.metric(CUT), 0.0);

    let held = here.store.hold(Call::History);
    fall_behind(&cut).await;
    eventually("it reads what it missed", || async {
        here.store.is_waiting(Call::History)
    })
    .await;
    cut.close();
    here.until_metric("duet_streams", 0.0).await;
    assert_eq!(here.metric(CUT), 1.0);
    drop(held);
}

#[actix::test]
async fn a_stream_that_does_not_read_ends_with_its_session_and_with_its_chat() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let phone = anny.again(&here).await;
    let (logged_out, ended) = (Watch::open(&phone).await, Watch::open(&anny).await);
    for stream in [&logged_out, &ended] {
        stream.stall();
    }
    for _ in 0..50 {
        abhi.send("Hello").await.unwrap();
    }
    phone.log_out().await.unwrap();
    logged_out.resume();
    logged_out.until_over().await;
    abhi.end_chat().await.unwrap();
    ended.resume();
    ended.until_over().await;
    for stream in [logged_out, ended] {
        let seen = stream.seqs();
        assert!(seen.len() < 20, "it has read nothing since: {seen:?}");
    }
}

#[actix::test]
async fn a_seat_has_no_more_streams_than_its_limit() {
    let world = World::new();
    let here = world.instance(Limits {
        streams_per_seat_max: 2,
        ..roomy()
    });
    let [abhi, anny] = here.couple(&world).await;
    let first = Watch::open(&abhi).await;
    let _second = Watch::open(&abhi).await;
    let third = Watch::open_after(&abhi, None).await;
    assert!(matches!(third, Err(Refusal::TooMany { .. })));
    let _other_seat = Watch::open(&anny).await;
    first.close();
    first.until_over().await;
    Watch::open_after(&abhi, None).await.unwrap();
}

#[actix::test]
async fn an_instance_has_no_more_streams_than_its_limit() {
    let world = World::new();
    let here = world.instance(Limits {
        streams_max: 2,
        ..roomy()
    });
    let [abhi, anny] = here.couple(&world).await;
    let _first = Watch::open(&abhi).await;
    let second = Watch::open(&anny).await;
    let third = Watch::open_after(&abhi, None).await;
    assert!(matches!(third, Err(Refusal::TooMany { .. })));
    second.close();
    here.until_metric("duet_streams", 1.0).await;
    Watch::open_after(&abhi, None).await.unwrap();
}

#[actix::test]
async fn a_logout_ends_the_streams_of_its_session_and_no_others() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let phone = abhi.again(&here).await;
    let stays = [Watch::open(&abhi).await, Watch::open(&anny).await];
    let goes = [Watch::open(&phone).await, Watch::open(&phone).await];
    phone.log_out().await.unwrap();
    for stream in goes {
        stream.until_over().await;
    }
    abhi.send("Hello").await.unwrap();
    for stream in stays {
        stream.until_place(1).await;
        assert!(!stream.is_over());
    }
}

#[actix::test]
async fn all_streams_can_be_moved_and_come_back() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let streams = [Watch::open(&abhi).await, Watch::open(&anny).await];
    let moving = here.pairs.clone();
    let moving = actix::spawn(async move { moving.move_streams(Duration::ZERO).await });
    for stream in streams {
        stream.until_over().await;
        assert!(
            !stream
                .news()
                .iter()
                .any(|shown| matches!(shown, Shown::Ended { .. }))
        );
    }
    here.until_metric("duet_streams", 0.0).await;
    moving.abort();
    let back = Watch::open(&anny).await;
    abhi.send("Hello").await.unwrap();
    back.until_place(1).await;
}

#[actix::test]
async fn an_orderly_stop_does_not_forget_when_people_were_last_seen() {
    let world = World::new();
    let here = world.instance(Limits {
        presence_grace: LONG,
        ..roomy()
    });
    let [abhi, anny] = here.couple(&world).await;
    let (stream, closed) = (Watch::open(&abhi).await, Watch::open(&anny).await);
    world.time.advance(Duration::from_secs(600));
    let now = Clock::now(&world.time);
    closed.close();
    closed.until_over().await;
    let moving = here.pairs.clone();
    let moving = actix::spawn(async move { moving.move_streams(Duration::ZERO).await });
    stream.until_over().await;
    eventually("it is stored", || async {
        here.pairs.flush_deferred().await;
        let chat = world.load(abhi.key).await;
        let seats = Seat::BOTH.map(|seat| chat.seats[seat].last_seen);
        let mut seen = chat.sessions.iter().map(|session| session.last_seen);
        seats == [Some(now); 2] && seen.all(|seen| seen == Some(now))
    })
    .await;
    moving.abort();
}

#[actix::test]
async fn a_hello_says_how_things_stand() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    abhi.send("Hello").await.unwrap();
    anny.receipt(1, 0).await.unwrap();
    let _open = Watch::open(&anny).await;
    let hello = Watch::open(&abhi).await.hello();
    assert_eq!(
        (hello.seat, hello.position, hello.last_seq),
        (Seat::One, 1, 1)
    );
    assert_eq!(hello.names[Seat::Two].as_ref().unwrap().as_str(), "Anny");
    assert_eq!(hello.online, Some(true));
    assert_eq!(hello.marks[Seat::Two].delivered, 1);
    assert_eq!(hello.peer_state, actors::domain::PeerState::Taken);
}
