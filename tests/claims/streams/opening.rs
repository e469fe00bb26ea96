//! How a stream begins, and what makes it go on from where.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Chat, DEADLINE, Person, Server, Stream, chat::register};

/// A stream with a place in its address, in its header, or both.
async fn open(person: &Person, after: Option<&str>, last: Option<&str>) -> Stream {
    Stream::open(call(person, after, last)).await
}

fn call(person: &Person, after: Option<&str>, last: Option<&str>) -> crate::support::api::Call {
    let query = after
        .map(|after| format!("?after={after}"))
        .unwrap_or_default();
    let call = person
        .api
        .call(Method::GET, &person.path(&format!("stream{query}")));
    match last {
        Some(last) => call.header("Last-Event-ID", last),
        None => call,
    }
}

#[tokio::test]
async fn a_stream_is_neither_kept_nor_held_back_on_its_way() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let stream = chat.one.listen().await;
    let header = |name: &str| {
        stream
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    assert!(
        header("content-type")
            .unwrap()
            .starts_with("text/event-stream")
    );
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("content-length"), None);
}

#[tokio::test]
async fn the_first_bytes_say_when_to_come_back_and_then_hello() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut waits = BTreeSet::new();
    for _ in 0..8 {
        let mut stream = chat.one.listen().await;
        let first = stream
            .next_block_by(Instant::now() + DEADLINE)
            .await
            .unwrap();
        waits.insert(first.retry.expect("the time to come back comes first"));
        let second = stream
            .next_block_by(Instant::now() + DEADLINE)
            .await
            .unwrap();
        assert_eq!(second.event, "hello");
    }
    // Spread, so that those who lost their streams together do not come back together.
    assert!(waits.len() > 1, "{waits:?}");
    assert!(
        waits.iter().all(|wait| (1..=10_000).contains(wait)),
        "{waits:?}"
    );
}

#[tokio::test]
async fn hello_says_how_things_stand() {
    let server = Server::start().await;
    let hash = register(&server.api()).await;
    let abhi = Person::log_in(&server.api(), &hash, "Abhi").await;
    let hello = abhi.listen().await.next().await;
    assert_eq!(
        (hello.event.as_str(), hello.id.as_deref()),
        ("hello", Some("0"))
    );
    assert_eq!(hello.data["seat"], 1);
    assert_eq!(hello.data["you"], "Abhi");
    assert_eq!(hello.data["peer"], "Anny");
    assert_eq!(hello.data["peerState"], "named");
    assert_eq!(hello.data["online"], false);
    assert_eq!(hello.data["lastSeen"], Value::Null);
    assert_eq!(hello.data["lastSeq"], 0);
    assert_eq!(hello.data["delivered"], json!({"1": 0, "2": 0}));
    assert_eq!(hello.data["read"], json!({"1": 0, "2": 0}));
    crate::contract::moment(&hello.data["expiresAt"]);

    let anny = Person::log_in(&server.api(), &hash, "Anny").await;
    let _there = anny.listen().await;
    for text in ["a", "b", "c"] {
        abhi.say(text).await;
    }
    anny.post("receipt", json!({"delivered": 3, "read": 2}))
        .await
        .ok();
    let hello = open(&abhi, Some("1"), None).await.next().await;
    // It goes on from the place that was asked for, and says where the chat is.
    assert_eq!(hello.id.as_deref(), Some("1"));
    assert_eq!(hello.data["peerState"], "taken");
    assert_eq!(hello.data["online"], true);
    assert_eq!(hello.data["lastSeq"], 3);
    assert_eq!(hello.data["delivered"]["2"], 3);
    assert_eq!(hello.data["read"]["2"], 2);
}

#[tokio::test]
async fn a_stream_resumes_after_the_seq_it_names() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for number in 1..=5 {
        chat.one.say(&number.to_string()).await;
    }
    for (after, last, texts) in [
        (None, None, vec!["6"]),
        (Some("0"), None, vec!["1", "2", "3", "4", "5", "6"]),
        (Some("3"), None, vec!["4", "5", "6"]),
        (None, Some("3"), vec!["4", "5", "6"]),
        // What the browser saw last beats what the page was opened with.
        (Some("1"), Some("4"), vec!["5", "6"]),
        (Some("4"), Some("1"), vec!["2", "3", "4", "5", "6"]),
        (Some("5"), None, vec!["6"]),
        (Some("6"), None, vec!["6"]),
        (None, Some("99999999999999999999999999"), vec!["6"]),
        (Some("18446744073709551615"), None, vec!["6"]),
    ] {
        let mut stream = open(&chat.two, after, last).await;
        let hello = stream.next().await;
        assert_eq!(hello.event, "hello");
        let first: u64 = texts[0].parse().unwrap();
        assert_eq!(
            hello.id,
            Some((first - 1).to_string()),
            "{after:?} {last:?}"
        );
        // The sixth is always the one that comes live: each round has a chat of five behind it.
        let before = texts.len() - 1;
        assert_eq!(
            stream.next_texts(before).await,
            texts[..before],
            "{after:?} {last:?}"
        );
    }
    let mut present = open(&chat.two, None, None).await;
    let mut above = open(&chat.two, Some("77"), None).await;
    present.next_of("hello").await;
    above.next_of("hello").await;
    chat.one.say("6").await;
    for stream in [&mut present, &mut above] {
        let message = stream.next_of("message").await;
        assert_eq!((message.seq(), message.id.as_deref()), (6, Some("6")));
    }
}

#[tokio::test]
async fn a_place_that_is_no_number_is_400() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for place in ["x", "-1", "1.5", "1e3", "0x10", "1 2", "١"] {
        let in_address = place.replace(' ', "%20");
        call(&chat.one, Some(&in_address), None)
            .send()
            .await
            .fails(400);
        call(&chat.one, None, Some(place)).send().await.fails(400);
        for (after, last) in [("0", place), (&in_address, "0")] {
            let call = call(&chat.one, Some(after), Some(last));
            call.send().await.fails(400);
        }
    }
}

#[tokio::test]
async fn both_peoples_messages_come_on_every_stream_of_both() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut streams = Vec::new();
    for person in [&chat.one, &chat.one, &chat.two, &chat.two] {
        let mut stream = person.listen().await;
        stream.next_of("hello").await;
        streams.push(stream);
    }
    chat.one.say("from one").await;
    chat.two.say("from two").await;
    for stream in &mut streams {
        let (first, second) = (
            stream.next_of("message").await,
            stream.next_of("message").await,
        );
        assert_eq!((first.seq(), second.seq()), (1, 2));
        assert_eq!(
            (first.id.as_deref(), second.id.as_deref()),
            (Some("1"), Some("2"))
        );
        assert_eq!(first.data["senderName"], "Abhi");
        assert_eq!(second.data["senderName"], "Anny");
    }
}

#[tokio::test]
async fn only_hello_and_messages_carry_an_id() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    stream.next_of("hello").await;
    let there = chat.two.listen().await;
    chat.two.say("x").await;
    chat.two.post("typing", json!({})).await.ok();
    chat.two.post("receipt", json!({"delivered": 1})).await.ok();
    chat.two.log_out().await.ok();
    drop(there);
    chat.one.end().await.ok();
    let mut kinds = BTreeSet::new();
    for block in stream.rest().await {
        let carries = matches!(block.event.as_str(), "hello" | "message");
        assert_eq!(block.id.is_some(), carries, "{block:?}");
        kinds.insert(block.event);
    }
    for kind in ["message", "presence", "typing", "receipt", "seat", "ended"] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
}

#[tokio::test]
async fn silence_is_broken_by_a_ping() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    stream.next_of("hello").await;
    let mut shortest = Duration::MAX;
    // A machine that has much to do may be late once, and not again and again.
    for _ in 0..4 {
        let silent_since = Instant::now();
        let ping = loop {
            let block = stream.next_block_by(silent_since + DEADLINE).await.unwrap();
            if block.event == "ping" {
                break block;
            }
        };
        assert_eq!(ping.data, json!({}));
        assert_eq!(ping.id, None, "only hello and message carry an id");
        shortest = shortest.min(silent_since.elapsed());
        if shortest < Duration::from_secs(17) {
            return;
        }
    }
    panic!("15 seconds of silence were {shortest:?}");
}
