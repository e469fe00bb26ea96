//! An instance is killed, stopped, or cut off.

use std::time::Duration;

use harness::{checker::Seat, faults::Fault};
use tokio::time::sleep;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_killed_amid_sends_takes_nothing_with_it() {
    let mut scene = Scene::begin().await;
    let talking = scene.talk(400);
    scene.until_acknowledged(40).await;
    scene.begin_fault(Fault::InstanceKilled, 0).await;
    talking.join_all().await;
    scene.until_both_have_seen_everything().await;
    scene.end_fault(Fault::InstanceKilled, 0);
    scene.say(Seat::Two, 0).await;
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_instance_committed_and_could_not_publish_is_shown_by_the_others_after_its_death() {
    let mut scene = Scene::begin().await;
    scene.say(Seat::One, 0).await;
    scene.until_both_have_seen_everything().await;
    scene
        .begin_fault(Fault::InstanceKilledBeforePublishing, 0)
        .await;
    scene.say(Seat::One, 0).await;
    scene.say(Seat::Two, 0).await;
    scene.end_fault(Fault::InstanceKilledBeforePublishing, 0);
    scene.until_both_have_seen_everything().await;
    Fault::InstanceKilledBeforePublishing
        .repair(&mut scene.cluster, 0)
        .unwrap();
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_suspended_for_ten_seconds_catches_up() {
    let mut scene = Scene::begin().await;
    let before = scene.talk(40);
    scene.until_acknowledged(10).await;
    scene.begin_fault(Fault::InstancePaused, 0).await;
    let meanwhile = scene.talk(40);
    // So long it is to stand still, whatever else happens.
    sleep(Duration::from_secs(10)).await;
    scene.end_fault(Fault::InstancePaused, 0);
    before.join_all().await;
    meanwhile.join_all().await;
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_cut_off_from_redis_takes_messages_and_all_see_them_once_it_is_back() {
    let mut scene = Scene::begin().await;
    scene.begin_fault(Fault::InstanceWithoutRedis, 0).await;
    for seat in Seat::BOTH {
        scene.say(seat, 0).await;
        scene.say(seat, 1).await;
    }
    scene.end_fault(Fault::InstanceWithoutRedis, 0);
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_cut_off_from_postgresql_refuses_and_the_other_takes_over() {
    let mut scene = Scene::begin().await;
    scene.begin_fault(Fault::InstanceWithoutPostgres, 0).await;
    let refused = scene.clients[0]
        .whole_history(scene.person(Seat::One))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some(503), "{refused}");
    assert!(refused.retry_after().is_some(), "{refused}");
    for seat in Seat::BOTH {
        scene.say(seat, 0).await;
    }
    scene.end_fault(Fault::InstanceWithoutPostgres, 0);
    scene.judge().await;
}
