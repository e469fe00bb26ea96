//! How far both have come.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Chat, Server, eventually, store};

#[tokio::test]
async fn marks_are_sent_to_both_and_never_move_back() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for number in 1..=5 {
        chat.one.say(&number.to_string()).await;
    }
    let mut streams = [chat.one.listen().await, chat.two.listen().await];
    for stream in &mut streams {
        stream.next_of("hello").await;
    }
    for (said, marks) in [
        (json!({"delivered": 3}), (3, 0)),
        (json!({"delivered": 4, "read": 2}), (4, 2)),
        (json!({"delivered": 1, "read": 1}), (4, 2)),
        (json!({"delivered": 5, "read": 1}), (5, 2)),
        (json!({"read": 5}), (5, 5)),
    ] {
        chat.two.post("receipt", said).await.ok();
        let hello = chat.one.listen().await.next_of("hello").await.data;
        assert_eq!(
            (&hello["delivered"]["2"], &hello["read"]["2"]),
            (&json!(marks.0), &json!(marks.1))
        );
        assert_eq!(
            (&hello["delivered"]["1"], &hello["read"]["1"]),
            (&json!(0), &json!(0))
        );
    }
    chat.two
        .post("receipt", json!({"read": 6}))
        .await
        .fails_at(400, "read");
    chat.two
        .post("receipt", json!({"delivered": 6, "read": 1}))
        .await
        .fails_at(400, "delivered");
    chat.one.say("end").await;
    for stream in &mut streams {
        let mut heard = Vec::new();
        loop {
            let event = stream.next().await;
            match event.event.as_str() {
                "receipt" => heard.push(event.data),
                "message" => break,
                _ => {}
            }
        }
        let told =
            |delivered: u64, read: u64| json!({"seat": 2, "delivered": delivered, "read": read});
        assert_eq!(heard, [told(3, 0), told(4, 2), told(5, 2), told(5, 5)]);
    }
}

#[tokio::test]
async fn to_have_read_something_is_to_have_it() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("x").await;
    chat.two.post("receipt", json!({"read": 1})).await.ok();
    let hello = chat.one.listen().await.next_of("hello").await.data;
    assert_eq!(
        (&hello["read"]["2"], &hello["delivered"]["2"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn marks_are_on_the_disk_about_a_second_later_and_outlive_a_crash() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for number in 1..=3 {
        chat.one.say(&number.to_string()).await;
    }
    chat.two
        .post("receipt", json!({"delivered": 3, "read": 2}))
        .await
        .ok();
    let said = Instant::now();
    let database = store::look_into(&server.database());
    eventually("the marks are stored", async || {
        let sql = "SELECT count(*) FROM seats WHERE seat = 2 AND delivered = 3 AND read = 2";
        let stored: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
        (stored == 1).then_some(())
    })
    .await;
    assert!(
        said.elapsed() < Duration::from_secs(5),
        "{:?}",
        said.elapsed()
    );
    server.kill_9();
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    let hello = chat.one.listen().await.next_of("hello").await.data;
    assert_eq!(
        (&hello["delivered"]["2"], &hello["read"]["2"]),
        (&json!(3), &json!(2))
    );
}

#[tokio::test]
async fn marks_that_were_just_set_outlive_an_orderly_stop() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("x").await;
    chat.two
        .post("receipt", json!({"delivered": 1, "read": 1}))
        .await
        .ok();
    assert!(server.terminate().await.success());
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    let hello = chat.one.listen().await.next_of("hello").await.data;
    assert_eq!(hello["read"]["2"], 1);
}
