//! Open streams: each one for itself, and none of them a burden on the others.

use actors::{Limits, Refusal, domain::Seat};

use crate::world::{Told, Watch, World, roomy};

#[actix::test]
async fn a_stream_that_does_not_read_is_cut_and_its_neighbours_notice_nothing() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let reading = [Watch::open(&abhi).await, Watch::open(&anny).await];
    let stalled = Watch::open(&anny).await;
    stalled.stall();
    let mut sent = 0;
    while here.metric("duet_streams_cut_total") == 0.0 {
        assert!(sent < 100, "a stream that does not read is cut");
        sent = abhi.send("Hello").await.unwrap().seq;
        for stream in &reading {
            stream.until_place(sent).await;
        }
    }
    sent = abhi.send("after the cut").await.unwrap().seq;
    for stream in &reading {
        stream.until_place(sent).await;
        assert_eq!(stream.places(), (1..=sent).collect::<Vec<u64>>());
        assert!(!stream.is_over());
    }
    stalled.resume();
    stalled.until_over().await;
    let seen = stalled.places();
    assert_eq!(
        seen,
        (1..=seen.len() as u64).collect::<Vec<u64>>(),
        "it ends without a gap"
    );

    let back = Watch::open_after(&anny, seen.last().copied())
        .await
        .unwrap();
    back.until_place(sent).await;
    assert_eq!(
        [seen, back.places()].concat(),
        (1..=sent).collect::<Vec<u64>>()
    );
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
async fn all_streams_can_be_ended_and_come_back() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let streams = [Watch::open(&abhi).await, Watch::open(&anny).await];
    here.directory.end_streams();
    for stream in streams {
        stream.until_over().await;
        assert!(
            !stream
                .news()
                .iter()
                .any(|told| matches!(told, Told::Ended { .. }))
        );
    }
    here.until_metric("duet_streams", 0.0).await;
    let back = Watch::open(&anny).await;
    abhi.send("Hello").await.unwrap();
    back.until_place(1).await;
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
