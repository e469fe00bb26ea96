//! Who is there, and who is writing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Chat, Server, Setup, Stream, eventually};

/// What a stream says of who is there until this message, as `(seat, online)`.
async fn presence_until(stream: &mut Stream, text: &str) -> Vec<(u64, bool)> {
    let mut heard = Vec::new();
    loop {
        let event = stream.next().await;
        match event.event.as_str() {
            "presence" => heard.push((
                event.data["seat"].as_u64().unwrap(),
                event.data["online"].as_bool().unwrap(),
            )),
            "message" if event.data["message"] == text => return heard,
            _ => {}
        }
    }
}

#[tokio::test]
async fn somebody_who_comes_and_goes_is_announced_with_the_time_they_went() {
    let server = Setup::new()
        .set("limits.presence_grace_ms", 200)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let mut watcher = chat.one.listen().await;
    let anny = chat.two.listen().await;
    let came = watcher.next_with("presence", "seat", 2).await.data;
    assert_eq!(
        came,
        json!({"seat": 2, "user": "Anny", "online": true, "lastSeen": null})
    );
    drop(anny);
    let went = watcher.next_with("presence", "online", false).await.data;
    assert_eq!((&went["seat"], &went["user"]), (&json!(2), &json!("Anny")));
    crate::contract::moment(&went["lastSeen"]);
    let hello = chat.one.listen().await.next_of("hello").await.data;
    assert_eq!(
        (&hello["online"], &hello["lastSeen"]),
        (&json!(false), &went["lastSeen"])
    );
}

#[tokio::test]
async fn a_second_page_is_no_news_and_the_first_may_go() {
    let server = Setup::new()
        .set("limits.presence_grace_ms", 200)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let mut watcher = chat.one.listen().await;
    let first = chat.two.listen().await;
    watcher.next_with("presence", "seat", 2).await;
    let second = chat.two.listen().await;
    server.streams_become(3.0).await;
    drop(first);
    server.streams_become(2.0).await;
    drop(second);
    let mut heard = Vec::new();
    while heard.last() != Some(&json!(false)) {
        heard.push(watcher.next_with("presence", "seat", 2).await.data["online"].clone());
    }
    assert_eq!(heard, [json!(false)]);
}

#[tokio::test]
async fn a_page_that_is_reloaded_does_not_flicker() {
    let server = Setup::new()
        .set("limits.presence_grace_ms", 2_000)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let mut watcher = chat.one.listen().await;
    let page = chat.two.listen().await;
    watcher.next_with("presence", "seat", 2).await;
    drop(page);
    let page = chat.two.listen().await;

    // Another pair is the clock: who leaves it now is announced when the time of grace is over.
    let clock = Chat::begin(&server).await;
    let mut ticking = clock.one.listen().await;
    let leaving = clock.two.listen().await;
    ticking.next_with("presence", "online", true).await;
    drop(leaving);
    ticking.next_with("presence", "online", false).await;

    chat.one.say("still there?").await;
    assert_eq!(presence_until(&mut watcher, "still there?").await, []);
    drop(page);
    watcher.next_with("presence", "online", false).await;
}

#[tokio::test]
async fn when_somebody_was_last_there_is_known_after_a_restart() {
    let setup = Setup::new().set("limits.presence_grace_ms", 100);
    let mut server = setup.start().await;
    let chat = Chat::begin(&server).await;
    let mut watcher = chat.one.listen().await;
    let anny = chat.two.listen().await;
    watcher.next_with("presence", "seat", 2).await;
    drop(anny);
    let went = watcher.next_with("presence", "online", false).await.data;
    assert!(server.terminate().await.success());
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    let hello = chat.one.listen().await.next_of("hello").await.data;
    assert_eq!(hello["lastSeen"], went["lastSeen"]);
}

#[tokio::test]
async fn typing_is_passed_on_at_most_every_two_seconds_and_kept_nowhere() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut watcher = chat.one.listen().await;
    let began = Instant::now();
    for _ in 0..20 {
        chat.two.post("typing", json!({})).await.ok();
    }
    chat.two.say("sent").await;
    let mut heard = 0;
    loop {
        let event = watcher.next().await;
        match event.event.as_str() {
            "typing" => {
                assert_eq!(event.data, json!({"seat": 2, "user": "Anny"}));
                heard += 1;
            }
            "message" => break,
            _ => {}
        }
    }
    let most = 1 + began.elapsed().as_secs() / 2;
    assert!(
        (1..=most).contains(&heard),
        "{heard} times in {:?}",
        began.elapsed()
    );
    // Whoever goes on writing is heard again.
    eventually("typing is passed on again", async || {
        chat.two.post("typing", json!({})).await.ok();
        let heard = watcher.overhear(Duration::from_millis(100)).await;
        heard
            .iter()
            .any(|block| block.event == "typing")
            .then_some(())
    })
    .await;
    let page = chat.one.get("messages").await.ok();
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(1));
    let hello = chat.one.listen().await.next().await.data;
    assert_eq!(hello["typing"], Value::Null);
}
