//! Redis is a courier, not a memory: whatever happens to it, nothing of a chat is lost.

use harness::{checker::Seat, faults::Fault};

use super::scene::Scene;

/// What is said while the fault lasts is acknowledged, and shown after it, with nothing said since.
async fn outlasts(fault: Fault) {
    let mut scene = Scene::begin().await;
    for (instance, seat) in Seat::BOTH.into_iter().enumerate() {
        scene.say(seat, instance).await;
    }
    scene.begin_fault(fault, 1).await;
    for seat in Seat::BOTH {
        scene.say(seat, 0).await;
        scene.say(seat, 1).await;
    }
    scene.end_fault(fault, 1);
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_redis_is_dead_is_shown_when_another_one_runs() {
    outlasts(Fault::RedisKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_redis_is_out_of_memory_is_shown() {
    outlasts(Fault::RedisFull).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_redis_is_a_replica_is_shown() {
    outlasts(Fault::RedisDemoted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_redis_stands_still_is_shown_when_it_goes_on() {
    outlasts(Fault::RedisPaused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_around_the_loss_of_all_subscriptions_is_shown() {
    outlasts(Fault::SubscriptionsKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_redis_pauses_its_clients_is_shown_afterwards() {
    let mut scene = Scene::begin().await;
    let pause = std::time::Duration::from_secs(3);
    Fault::RedisClientsPaused
        .begin(&mut scene.cluster, 0, pause)
        .await
        .unwrap();
    for seat in Seat::BOTH {
        scene.say(seat, 0).await;
        scene.say(seat, 1).await;
    }
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_open_and_deaf_keeps_nothing_from_anybody() {
    let mut scene = Scene::begin().await;
    scene.say(Seat::One, 0).await;
    scene.until_both_have_seen_everything().await;
    scene.begin_fault(Fault::SubscriptionDeaf, 1).await;
    for seat in Seat::BOTH {
        scene.say(seat, 0).await;
    }
    // It stays deaf: the instance has to find out by itself.
    scene.judge().await;
}
