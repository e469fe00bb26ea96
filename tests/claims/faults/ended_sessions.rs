//! The streams of a session that was ended at one instance end at the other, soon, whatever has become of
//! Redis at that very moment.

use std::time::{Duration, Instant};

use harness::servers::Stalled;
use serde_json::json;
use tokio::task::block_in_place;
use tokio_postgres::NoTls;

use super::without_redis::Case;
use crate::support::{Chat, Person, within};

/// What is promised. A machine with much to do makes it longer, so the best of a few counts.
const SOON: Duration = Duration::from_secs(2);
const TRIES: usize = 5;
/// For what comes in any case.
const SURELY: Duration = Duration::from_secs(60);

/// Abhi's phone has a stream at the second instance, and is logged out by his laptop at the first one.
async fn ends_soon(mut begin: impl FnMut(&mut Case), mut end: impl FnMut(&mut Case)) {
    let mut case = Case::start().await;
    let chat = Chat::begin(&case.one).await;
    let mut fastest = Duration::MAX;
    for _ in 0..TRIES {
        let code = json!({ "returnCode": chat.one.return_code });
        let phone = Person::log_in_by(&case.one.api(), &chat.hash, "Abhi", code).await;
        let mut stream = phone.at(&case.two).listen().await;
        stream.next_of("hello").await;
        let mut stays = chat.one.at(&case.two).listen().await;
        stays.next_of("hello").await;
        let sessions = chat.one.get("sessions").await.ok();
        let others = sessions["sessions"].as_array().unwrap().iter();
        let others = others.filter(|session| session["current"] == false);
        let ids: Vec<_> = others.map(|session| session["id"].clone()).collect();
        assert_eq!(ids.len(), 1);

        begin(&mut case);
        let id = json!({ "id": ids[0] });
        chat.one.post("sessions/end", id).await.ok();
        let ended = Instant::now();
        within(SURELY, "the phone's stream ends", stream.rest()).await;
        fastest = fastest.min(ended.elapsed());
        phone.at(&case.two).get("messages").await.fails(401);
        // The laptop's goes on.
        chat.two.say("still there").await;
        let heard = stays.next_with("message", "message", "still there");
        within(SURELY, "the laptop's stream goes on", heard).await;
        end(&mut case);
        case.until_bus_is("up").await;
        if fastest < SOON {
            return;
        }
    }
    panic!("the fastest of {TRIES} took {fastest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_redis() {
    ends_soon(|_| {}, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_redis_has_just_died() {
    let kill = |case: &mut Case| block_in_place(|| case.redis.kill());
    let resume = |case: &mut Case| block_in_place(|| case.redis.resume().unwrap());
    ends_soon(kill, resume).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_redis_has_just_stopped() {
    let pause = |case: &mut Case| case.redis.process().unwrap().pause();
    let go_on = |case: &mut Case| case.redis.process().unwrap().go_on();
    ends_soon(pause, go_on).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_redis_takes_no_writes() {
    let fill = |case: &mut Case| case.command("CONFIG SET maxmemory 1");
    let free = |case: &mut Case| case.command("CONFIG SET maxmemory 0");
    ends_soon(fill, free).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_proxy_before_redis_swallows_everything() {
    let swallow = |case: &mut Case| case.to_redis.stall(Stalled::BOTH);
    let pass = |case: &mut Case| {
        case.to_redis.cut();
        case.to_redis.stall(Stalled::NEITHER);
    };
    ends_soon(swallow, pass).await;
}

/// As if Redis had taken the notice and lost it: nobody publishes anything.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_notice_is_lost_though_redis_is_well() {
    let case = Case::start().await;
    let chat = Chat::begin(&case.one).await;
    let (store, connection) = tokio_postgres::connect(&case.postgres.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut stays = chat.two.at(&case.two).listen().await;
    stays.next_of("hello").await;
    let mut fastest = Duration::MAX;
    let mut tries = 0;
    while fastest >= SOON {
        tries += 1;
        assert!(tries <= TRIES, "the fastest took {fastest:?}");
        let code = json!({ "returnCode": chat.one.return_code });
        let phone = Person::log_in_by(&case.one.api(), &chat.hash, "Abhi", code).await;
        let mut stream = phone.at(&case.two).listen().await;
        stream.next_of("hello").await;
        let end = "DELETE FROM sessions WHERE seat = 1";
        assert!(store.execute(end, &[]).await.unwrap() > 0);
        let ended = Instant::now();
        within(SURELY, "the phone's stream ends", stream.rest()).await;
        fastest = fastest.min(ended.elapsed());
    }
    chat.two.say("still there").await;
    let heard = stays.next_with("message", "message", "still there");
    within(SURELY, "the other person's stream goes on", heard).await;
}
