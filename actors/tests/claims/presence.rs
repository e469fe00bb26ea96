//! Who is there, on whatever instance.

use std::time::Duration;

use actors::{
    Limits, ListSessions,
    domain::{Notice, Seat},
    ports::{Bus, Clock},
    testing::eventually,
};

use crate::world::{Person, Shown, Watch, World, roomy};

/// A grace that is longer than opening a stream takes on any machine.
fn patient() -> Limits {
    Limits {
        presence_grace: Duration::from_secs(2),
        ..roomy()
    }
}

#[actix::test]
async fn coming_is_told_at_once_and_leaving_after_the_grace() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    assert_eq!(watcher.hello().online, Some(false));
    let stream = Watch::open(&anny).await;
    watcher.until_presence(Seat::Two, &[true]).await;
    let left_at = Clock::now(&world.time);
    stream.close();
    stream.until_over().await;
    watcher.until_presence(Seat::Two, &[true, false]).await;
    let gone = Shown::Presence {
        seat: Seat::Two,
        online: false,
        last_seen: Some(left_at),
    };
    assert_eq!(watcher.news().last(), Some(&gone));
    assert_eq!(
        abhi.snapshot().await.unwrap().hello.last_seen,
        Some(left_at)
    );
    eventually("it is written down", || async {
        world.load(abhi.key).await.seats[Seat::Two].last_seen == Some(left_at)
    })
    .await;
}

#[actix::test]
async fn who_closes_one_of_two_tabs_is_still_there() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let first = Watch::open(&anny).await;
    let second = Watch::open(&anny).await;
    first.close();
    first.until_over().await;
    world.pass_grace(&here, abhi.key).await;
    assert_eq!(watcher.presence(Seat::Two), [true]);
    second.close();
    watcher.until_presence(Seat::Two, &[true, false]).await;
}

#[actix::test]
async fn a_reload_does_not_flicker() {
    let world = World::new();
    let here = world.instance(patient());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let mut stream = Watch::open(&anny).await;
    for _ in 0..5 {
        stream.close();
        stream.until_over().await;
        stream = Watch::open(&anny).await;
    }
    world.pass_grace(&here, abhi.key).await;
    assert_eq!(watcher.presence(Seat::Two), [true]);
    assert!(!stream.is_over());
}

#[actix::test]
async fn who_comes_back_and_leaves_again_has_the_whole_grace_again() {
    let world = World::new();
    let here = world.instance(patient());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let first = Watch::open(&anny).await;
    first.close();
    first.until_over().await;
    let second = Watch::open(&anny).await;
    world.time.advance(Duration::from_secs(1));
    let left_at = Clock::now(&world.time);
    second.close();
    // Shown when the first grace ends, it would come with the time of the first leaving.
    let gone = Shown::Presence {
        seat: Seat::Two,
        online: false,
        last_seen: Some(left_at),
    };
    watcher.until_presence(Seat::Two, &[true, false]).await;
    assert_eq!(watcher.news().last(), Some(&gone));
}

#[actix::test]
async fn presence_crosses_instances_both_ways() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let anny = anny.at(&there);
    let abhis = Watch::open(&abhi).await;
    let annys = Watch::open(&anny).await;
    assert_eq!(annys.hello().online, Some(true));
    abhis.until_presence(Seat::Two, &[true]).await;
    assert_eq!(abhi.send("Hello").await.unwrap().online, Some(true));
    abhis.close();
    annys.until_presence(Seat::One, &[false]).await;
    assert_eq!(anny.send("Hi").await.unwrap().online, Some(false));
}

#[actix::test]
async fn a_leaving_that_is_told_late_moves_no_time_back() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let earlier = Clock::now(&world.time);
    world.time.advance(Duration::from_secs(60));
    let watcher = Watch::open(&abhi).await;
    let stream = Watch::open(&anny).await;
    stream.close();
    watcher.until_presence(Seat::Two, &[true, false]).await;
    let late = Notice::Presence {
        seat: Seat::Two,
        online: false,
        last_seen: Some(earlier),
    };
    there.bus.publish(abhi.key, late);
    // Comes behind it.
    anny.at(&there).typing().await.unwrap();
    watcher.until(&Shown::Typing(Seat::Two)).await;
    let last_seen = abhi.snapshot().await.unwrap().hello.last_seen;
    assert_eq!(last_seen, Some(Clock::now(&world.time)));
}

#[actix::test]
async fn nobody_was_last_seen_in_the_future() {
    let world = World::new();
    let here = world.instance(roomy());
    let ahead = world.instance_with_wrong_clock(600_000, roomy());
    let [abhi, anny] = here.couple(&world).await;
    let anny_ahead = anny.at(&ahead);
    let watcher = Watch::open(&abhi).await;
    let stream = Watch::open(&anny_ahead).await;
    stream.close();
    watcher.until_presence(Seat::Two, &[true, false]).await;
    let now = Clock::now(&world.time);
    let last_seen = async |person: &Person| person.snapshot().await.unwrap().hello.last_seen;
    assert_eq!(last_seen(&abhi).await, Some(now), "as the bus brought it");
    ahead.pairs.flush_deferred().await;
    let stored = world.load(abhi.key).await;
    assert!(stored.seats[Seat::Two].last_seen > Some(now));
    assert!(
        stored
            .sessions
            .iter()
            .any(|session| session.last_seen > Some(now))
    );
    let other = world.instance(roomy());
    assert_eq!(
        last_seen(&abhi.at(&other)).await,
        Some(now),
        "as the store has it"
    );
    let list = ListSessions { by: anny.by };
    let (sessions, _) = other.pairs.ask(anny.key, list).await.unwrap();
    assert_eq!(sessions[0].last_seen, Some(now));
}

#[actix::test]
async fn who_is_open_on_two_instances_is_gone_when_both_are() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let laptop = Watch::open(&anny).await;
    let phone = Watch::open(&anny.at(&there)).await;
    watcher.until_presence(Seat::Two, &[true]).await;
    laptop.close();
    laptop.until_over().await;
    world.pass_grace(&here, abhi.key).await;
    assert_eq!(watcher.presence(Seat::Two), [true]);
    phone.close();
    watcher.until_presence(Seat::Two, &[true, false]).await;
    assert_eq!(abhi.send("Hello").await.unwrap().online, Some(false));
}

#[actix::test]
async fn who_is_open_on_two_instances_and_leaves_one_is_still_there_for_a_third() {
    let world = World::new();
    let [here, second, third] = [(); 3].map(|()| world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let laptop = Watch::open(&anny.at(&second)).await;
    watcher.until_presence(Seat::Two, &[true]).await;
    let phone = Watch::open(&anny.at(&third)).await;
    laptop.close();
    world.pass_grace(&second, anny.key).await;
    // A typing notice of the instance that was left comes behind its notice of the leaving.
    anny.at(&second).typing().await.unwrap();
    watcher.until(&Shown::Typing(Seat::Two)).await;
    assert_eq!(watcher.presence(Seat::Two), [true]);
    assert_eq!(abhi.send("Hello").await.unwrap().online, Some(true));
    phone.close();
    watcher.until_presence(Seat::Two, &[true, false]).await;
}

#[actix::test]
async fn while_the_bus_is_down_nobody_pretends_to_know_and_afterwards_everybody_does() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = there.couple(&world).await;
    let abhi = abhi.at(&here);
    here.bus.set_down(true);
    let watcher = Watch::open(&abhi).await;
    assert_eq!(watcher.hello().online, None);
    assert_eq!(abhi.send("Hello").await.unwrap().online, None);
    here.bus.set_deaf(true);
    let _open = Watch::open(&anny).await;
    here.bus.set_down(false);
    here.bus.set_deaf(false);
    here.bus.report_missed(None);
    watcher
        .until(&Shown::Hello {
            position: 1,
            online: Some(true),
        })
        .await;
    assert_eq!(abhi.send("Hello").await.unwrap().online, Some(true));
}

#[actix::test]
async fn who_leaves_while_the_bus_is_down_is_not_shown_as_there() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let stream = Watch::open(&anny).await;
    watcher.until_presence(Seat::Two, &[true]).await;
    let before = watcher.hello_count();
    here.bus.set_down(true);
    eventually("it is told that the bus is down", || async {
        watcher.hello_count() > before
    })
    .await;
    assert_eq!(watcher.hello().online, Some(true));
    stream.close();
    eventually("nobody knows where she is", || async {
        watcher.hello().online.is_none()
    })
    .await;
    assert_eq!(watcher.presence(Seat::Two), [true]);
}

#[actix::test]
async fn news_of_one_seat_says_nothing_of_the_other_where_both_were_unknown() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = there.couple(&world).await;
    let _open = Watch::open(&anny).await;
    let abhi = abhi.at(&here);
    here.bus.set_down(true);
    let watcher = Watch::open(&abhi).await;
    assert_eq!(watcher.hello().online, None);
    // It is back, and nobody has asked it yet who is there.
    here.bus.set_down(false);
    let _tab = Watch::open(&abhi.at(&there)).await;
    // Comes behind the news of the tab.
    anny.typing().await.unwrap();
    watcher.until(&Shown::Typing(Seat::Two)).await;
    let online = abhi.snapshot().await.unwrap().hello.online;
    assert_eq!(online, Some(true));
}

#[actix::test]
async fn a_leaving_that_was_lost_on_the_way_is_in_the_next_hello() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let stream = Watch::open(&anny.at(&there)).await;
    watcher.until_presence(Seat::Two, &[true]).await;
    here.bus.set_deaf(true);
    stream.close();
    world.until_open(anny.key, [true, false]).await;
    // An answer of the pair there comes after it has published what it had to say.
    anny.at(&there).snapshot().await.unwrap();
    here.bus.set_deaf(false);
    here.bus.report_missed(Some(vec![abhi.key]));
    watcher
        .until(&Shown::Hello {
            position: 0,
            online: Some(false),
        })
        .await;
}

#[actix::test]
async fn a_long_grace_outlives_a_short_absence() {
    let world = World::new();
    let here = world.instance(Limits {
        presence_grace: Duration::from_secs(3600),
        ..roomy()
    });
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let stream = Watch::open(&anny).await;
    stream.close();
    stream.until_over().await;
    assert_eq!(abhi.send("Hello").await.unwrap().online, Some(true));
    watcher.until_place(1).await;
    assert_eq!(watcher.presence(Seat::Two), [true]);
}

#[actix::test]
async fn a_bus_that_does_not_answer_once_is_asked_again_who_is_there() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let _open = Watch::open(&anny).await;
    there.bus.fail_open_elsewhere(2);
    let stream = Watch::open(&abhi.at(&there)).await;
    assert_eq!(stream.hello().online, None);
    eventually("it is known who is there", || async {
        stream.hello().online == Some(true)
    })
    .await;
    assert_eq!(there.bus.failures_left(), 0);
}
