//! Order and ends come from the store's clock, whatever the instances believe.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use harness::{checker::Seat, servers::instance::clock_of};
use serde_json::{Value, json};
use time::{
    OffsetDateTime,
    format_description::well_known::{Rfc2822, Rfc3339},
};

use super::scene::Scene;
use crate::support::{Api, Person, Setup, eventually};

/// More than a device code is valid for.
const APART: Duration = Duration::from_secs(11 * 60);
/// Less than that by far, and long enough for a machine that has much else to do.
const NEAR: Duration = Duration::from_secs(5 * 60);

fn apart(written: &Value, expected: SystemTime) -> Duration {
    let written = OffsetDateTime::parse(written.as_str().unwrap(), &Rfc3339).unwrap();
    (written - OffsetDateTime::from(expected)).unsigned_abs()
}

fn assert_near(written: &Value, expected: SystemTime) {
    let apart = apart(written, expected);
    assert!(
        apart < NEAR,
        "{written} is {apart:?} away from {expected:?}"
    );
}

/// As on a machine that was off for a week and has no clock of its own, once it hears the time.
#[tokio::test]
async fn a_server_follows_the_clock_of_its_machine_when_that_is_set() {
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
    let mut setup = Setup::new();
    let (time, next) = (setup.folder().join("time"), setup.folder().join("next"));
    fs::write(&time, "-7d").unwrap();
    for (name, value) in clock_of(&time).unwrap() {
        setup = setup.env(&name, value);
    }
    let server = setup.start().await;
    let chat_ends = async || {
        let names = json!({"userOne": "Abhi", "userTwo": "Anny", "ttlHours": 1});
        let made = server.api().post("/chat-server/register", names).await;
        made.ok()["expiresAt"].clone()
    };
    let hour = Duration::from_secs(3600);
    assert_near(&chat_ends().await, SystemTime::now() - WEEK + hour);
    for (set, expected) in [("+0", hour), ("+7d", WEEK + hour), ("+0", hour)] {
        fs::write(&next, set).unwrap();
        fs::rename(&next, &time).unwrap();
        eventually("a chat ends by the clock as it is set", async || {
            let apart = apart(&chat_ends().await, SystemTime::now() + expected);
            (apart < NEAR).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_whose_clocks_are_apart_agree_on_order_and_ends() {
    let scene = Scene::with_clocks_apart(APART).await;
    let urls = scene.cluster.urls();
    let [right, ahead] = [&urls[0], &urls[1]]
        .map(|url| Api::at(url.strip_prefix("http://").unwrap().parse().unwrap()));
    // The fault is there: the instance itself believes that it is later.
    let answer = ahead.get("/health/live").await;
    let believed = OffsetDateTime::parse(answer.header("date").unwrap(), &Rfc2822).unwrap();
    assert!(believed - OffsetDateTime::now_utc() > NEAR, "{believed}");

    let names = json!({"userOne": "Abhi", "userTwo": "Anny", "ttlHours": 1});
    let made = ahead.post("/chat-server/register", names).await.ok();
    assert_near(
        &made["expiresAt"],
        SystemTime::now() + Duration::from_secs(3600),
    );

    let hash = made["hash"].as_str().unwrap();
    let one = Person::log_in(&right, hash, "Abhi").await;
    let code = one.post("device", json!({})).await.ok();
    let code = json!({"deviceCode": code["deviceCode"]});
    let one = Person::log_in_by(&ahead, hash, "Abhi", code).await;
    one.say("from the future").await;
    let messages = one.get("messages").await.ok();
    assert_near(&messages["messages"][0]["timestamp"], SystemTime::now());

    // An ask waits for its two minutes at either instance, and is answered at the one that is ahead.
    let two = Person::log_in(&right, hash, "Anny").await;
    let ask = json!({"user": "Anny", "hash": hash});
    let path = "/chat-server/user/Anny/login/ask";
    let asked = right.post(path, ask).await.ok();
    let mut hello = Value::Null;
    for api in [&right, &ahead] {
        hello = one.through(api).listen().await.next_of("hello").await.data;
        assert_eq!(hello["asks"][0]["number"], asked["number"]);
    }
    let answer = json!({"ask": hello["asks"][0]["ask"], "allow": true});
    one.through(&ahead).post("answer", answer).await.ok();
    two.get("messages").await.fails_as(401, "replaced");
    let proof = json!({"askId": asked["askId"]});
    Person::log_in_by(&ahead, hash, "Anny", proof).await;

    for seat in Seat::BOTH {
        scene.say(seat, 0).await;
        scene.say(seat, 1).await;
    }
    scene.talk(40).join_all().await;
    scene.judge().await;
}
