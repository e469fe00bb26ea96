//! While PostgreSQL is away nothing is acknowledged; what was is there, and nothing is there twice.

use harness::{checker::Seat, faults::Fault};
use uuid::Uuid;

use super::scene::Scene;
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn sends_are_refused_while_postgresql_is_dead_and_flow_again_afterwards() {
    let mut scene = Scene::begin().await;
    let talking = scene.talk(200);
    scene.until_acknowledged(20).await;
    scene.begin_fault(Fault::PostgresKilled, 0).await;
    let (session, client) = (scene.person(Seat::One), &scene.clients[0]);
    let refused = client
        .send(session, Uuid::new_v4(), "nobody hears")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some(503), "{refused}");
    assert!(refused.retry_after().is_some(), "{refused}");
    scene.end_fault(Fault::PostgresKilled, 0);
    talking.join_all().await;
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminating_every_connection_costs_no_message() {
    let mut scene = Scene::begin().await;
    let talking = scene.talk(400);
    for acknowledged in [20, 80, 160] {
        scene.until_acknowledged(acknowledged).await;
        scene.begin_fault(Fault::BackendsTerminated, 0).await;
    }
    talking.join_all().await;
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_and_redis_may_die_at_once() {
    let mut scene = Scene::begin().await;
    let talking = scene.talk(200);
    scene.until_acknowledged(20).await;
    scene.begin_fault(Fault::BothKilled, 0).await;
    scene.end_fault(Fault::BothKilled, 0);
    talking.join_all().await;
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_commit_was_never_answered_is_there_once_when_it_is_sent_again() {
    let mut scene = Scene::begin().await;
    let mut postgres = scene.cluster.postgres.connect().await.unwrap();
    let mut said = 0;
    loop {
        // What stores a message locks its chat first, and is held up there.
        let holding = postgres.transaction().await.unwrap();
        holding
            .execute("SELECT FROM chats FOR UPDATE", &[])
            .await
            .unwrap();
        let saying = tokio::spawn(scene.talk(1).join_all());
        eventually("the message is held up", async || {
            let held_up = holding.query_one(HELD_UP, &[]).await.unwrap();
            held_up.get::<_, bool>(0).then_some(())
        })
        .await;
        scene.begin_fault(Fault::CommitsUnanswered, 0).await;
        holding.rollback().await.unwrap();
        said += 1;
        eventually(
            "it is stored, here or where it was sent again",
            async || (stored(&postgres).await == said).then_some(()),
        )
        .await;
        // Nobody has told the instance, nor it the sender.
        let is_unanswered = !saying.is_finished();
        scene.end_fault(Fault::CommitsUnanswered, 0);
        assert_eq!(saying.await.unwrap()[0].seq, said as u64);
        // The machine was so slow that it was sent again before.
        if is_unanswered {
            break;
        }
    }
    scene.judge().await;
}

const HELD_UP: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)";

async fn stored(postgres: &tokio_postgres::Client) -> i64 {
    let stored = postgres
        .query_one("SELECT count(*) FROM messages", &[])
        .await;
    stored.unwrap().get(0)
}
