//! Sending, reading again, marks and typing.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::registration::moment;
use crate::support::{Chat, Server};

const MESSAGE: [&str; 6] = [
    "id",
    "message",
    "reciever",
    "senderName",
    "seq",
    "timestamp",
];

fn seqs(page: &Value) -> Vec<u64> {
    let messages = page["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| message["seq"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_message_is_answered_with_its_place_its_id_its_time_and_who_is_there() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let fields = ["seq", "id", "timestamp", "online"];
    let alone = chat
        .one
        .post("message_send", json!({"message": "a"}))
        .await
        .ok_with(&fields);
    assert_eq!(
        (&alone["seq"], &alone["online"]),
        (&json!(1), &json!(false))
    );
    let age = OffsetDateTime::now_utc() - moment(&alone["timestamp"]);
    assert!(age.whole_seconds() < 60, "{age}");
    let id: Uuid = alone["id"].as_str().unwrap().parse().unwrap();
    assert_ne!(id, Uuid::nil());

    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    let heard = chat
        .one
        .post("message_send", json!({"message": "b"}))
        .await
        .ok_with(&fields);
    assert_eq!((&heard["seq"], &heard["online"]), (&json!(2), &json!(true)));
    // One's own stream is not the recipient's.
    let back = chat
        .two
        .post("message_send", json!({"message": "c"}))
        .await
        .ok();
    assert_eq!(back["online"], false);
}

#[tokio::test]
async fn a_text_comes_back_as_it_was_sent() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let texts = [
        "x".to_owned(),
        " leading and trailing ".to_owned(),
        "two\nlines\r\nand\ttabs".to_owned(),
        "data: x\n\nevent: ended\nid: 99".to_owned(),
        "👩\u{200d}👩\u{200d}👧 Grüße, 你好, \u{202e}right to left, e\u{301}".to_owned(),
        "\u{1}\u{7f}\u{2028}\u{2029}\u{feff}\u{fffd}\u{10ffff}".to_owned(),
        "<script>alert(1)</script> & \"quotes\" \\ back".to_owned(),
        "é".repeat(8 * 1024),
        "x".repeat(16 * 1024),
        format!("x{}", "\u{1}".repeat(8 * 1024)),
    ];
    let mut stream = chat.two.listen().await;
    for text in &texts {
        chat.one.say(text).await;
    }
    assert_eq!(stream.next_texts(texts.len()).await, texts);
    assert_eq!(chat.two.texts().await, texts);
}

#[tokio::test]
async fn a_message_in_the_history_is_the_one_of_the_stream() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    chat.two.say("Hello").await;
    let live = stream.next_of("message").await.data;
    let page = chat
        .one
        .get("messages")
        .await
        .ok_with(&["messages", "more"]);
    assert_eq!(page["messages"], json!([live]));
    assert_eq!(page["more"], false);
    let fields: Vec<_> = live.as_object().unwrap().keys().collect();
    assert_eq!(fields, MESSAGE);
    assert_eq!(
        (&live["senderName"], &live["reciever"]),
        (&json!("Anny"), &json!("Abhi"))
    );
}

#[tokio::test]
async fn the_senders_clock_is_not_the_servers() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for clock in [
        "1999-12-31T23:59:59Z",
        "2999-01-01T00:00:00+14:00",
        "2026-11-23T10:00:00.123456Z",
    ] {
        let body = json!({"message": "x", "timestamp": clock});
        let sent = chat.one.post("message_send", body).await.ok();
        let age = OffsetDateTime::now_utc() - moment(&sent["timestamp"]);
        assert!(age.whole_seconds().abs() < 60, "{age}");
    }
}

#[tokio::test]
async fn a_page_of_long_texts_ends_early_at_the_far_end_and_says_that_there_is_more() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let longest = "x".repeat(16 * 1024);
    for _ in 1..=10 {
        chat.one.say(&longest).await;
    }
    let page = async |query: &str| {
        let page = chat.two.get(&format!("messages?{query}")).await.ok();
        (seqs(&page), page["more"] == true)
    };
    assert_eq!(page("limit=200").await, (vec![7, 8, 9, 10], true));
    assert_eq!(page("before=7&limit=5").await, (vec![3, 4, 5, 6], true));
    assert_eq!(page("before=3").await, (vec![1, 2], false));
    assert_eq!(page("after=0").await, (vec![1, 2, 3, 4], true));
    assert_eq!(page("after=6").await, (vec![7, 8, 9, 10], false));
}

#[tokio::test]
async fn the_history_is_read_forwards_backwards_and_from_its_end() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for number in 1..=210 {
        chat.one.say(&format!("message {number}")).await;
    }
    let page = async |query: &str| {
        let page = chat
            .two
            .get(&format!("messages{query}"))
            .await
            .ok_with(&["messages", "more"]);
        (seqs(&page), page["more"] == true)
    };
    let range = |from: u64, to: u64| (from..=to).collect::<Vec<_>>();
    assert_eq!(page("").await, (range(161, 210), true));
    assert_eq!(page("?limit=200").await, (range(11, 210), true));
    assert_eq!(page("?limit=1").await, (vec![210], true));
    assert_eq!(page("?after=0").await, (range(1, 50), true));
    assert_eq!(page("?after=10&limit=200").await, (range(11, 210), false));
    assert_eq!(page("?after=209").await, (vec![210], false));
    assert_eq!(page("?after=210").await, (vec![], false));
    assert_eq!(page("?after=18446744073709551615").await, (vec![], false));
    assert_eq!(page("?before=211&limit=3").await, (range(208, 210), true));
    assert_eq!(page("?before=51").await, (range(1, 50), false));
    assert_eq!(page("?before=1").await, (vec![], false));
    assert_eq!(page("?before=0").await, (vec![], false));
    assert_eq!(page("?before=9999&limit=2").await, (range(209, 210), true));
}

#[tokio::test]
async fn a_page_of_the_history_is_asked_for_in_numbers() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("x").await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=5%20", "limit"),
        ("after=%2B5", "after"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=", "after"),
        ("after=1e3", "after"),
        ("before=x", "before"),
        ("before=%00", "before"),
    ] {
        let path = format!("messages?{query}");
        chat.one.get(&path).await.fails_at(400, field);
    }
    chat.one.get("messages?after=1&before=2").await.fails(400);
    chat.one.get("messages?limit=1&unknown=x").await.ok();
}

#[tokio::test]
async fn the_places_of_messages_have_no_gap_and_no_repeat() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let sends = (0..300).map(|number| {
        let person = [&chat.one, &chat.two][number % 2];
        async move { person.say(&number.to_string()).await }
    });
    let mut places = futures_util::future::join_all(sends).await;
    places.sort_unstable();
    assert_eq!(places, (1..=300).collect::<Vec<u64>>());
    let page = chat.one.get("messages?after=0&limit=200").await.ok();
    assert_eq!(seqs(&page), (1..=200).collect::<Vec<u64>>());
}

#[tokio::test]
async fn marks_and_typing_answer_with_nothing_more() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("x").await;
    for body in [
        json!({"delivered": 1}),
        json!({"read": 1}),
        json!({"delivered": 1, "read": 0}),
        json!({"delivered": 1.0, "read": null}),
    ] {
        chat.two.post("receipt", body).await.ok_with(&[]);
    }
    for (body, field) in [
        (json!({"delivered": 2}), "delivered"),
        (json!({"read": 2}), "read"),
        (json!({"delivered": -1}), "delivered"),
        (json!({"read": "1"}), "read"),
        (json!({"read": 0.5}), "read"),
        (json!({"read": -1.0}), "read"),
        (json!({"read": 1e300}), "read"),
    ] {
        chat.two.post("receipt", body).await.fails_at(400, field);
    }
    chat.two.post("typing", json!({})).await.ok_with(&[]);
    chat.two
        .api
        .call(crate::support::POST, &chat.path("typing"))
        .send()
        .await
        .ok_with(&[]);
}
