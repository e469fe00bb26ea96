//! What a stream tells of seats, sessions and the end.

use reqwest::Method;
use serde_json::json;

use crate::support::{Chat, Person, Server, chat::register};

#[tokio::test]
async fn the_other_person_sees_a_seat_taken_and_left() {
    let server = Server::start().await;
    let hash = register(&server.api()).await;
    let abhi = Person::log_in(&server.api(), &hash, "Abhi").await;
    let mut stream = abhi.listen().await;
    assert_eq!(stream.next_of("hello").await.data["peerState"], "named");
    let anny = Person::log_in(&server.api(), &hash, "Anny").await;
    let taken = stream.next_of("seat").await.data;
    assert_eq!(taken, json!({"seat": 2, "user": "Anny", "state": "taken"}));
    anny.log_out().await.ok();
    let left = stream.next_of("seat").await.data;
    assert_eq!(left, json!({"seat": 2, "user": "Anny", "state": "left"}));
    assert_eq!(
        abhi.listen().await.next_of("hello").await.data["peerState"],
        "left"
    );
}

#[tokio::test]
async fn a_session_that_ends_takes_its_own_streams_with_it_and_no_others() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let code = json!({"returnCode": chat.one.return_code});
    let laptop = Person::log_in_by(&server.api(), &chat.hash, "Abhi", code).await;
    let mut phones = chat.one.listen().await;
    let mut laptops = laptop.listen().await;
    phones.next_of("hello").await;
    laptops.next_of("hello").await;
    chat.one.log_out().await.ok();
    phones.rest().await;
    chat.two.say("still there?").await;
    assert_eq!(laptops.next_texts(1).await, ["still there?"]);
    let again = chat
        .one
        .api
        .call(Method::GET, &chat.path("stream"))
        .send()
        .await;
    again.fails(401);
}

#[tokio::test]
async fn every_stream_gets_the_end_and_is_not_reopened() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut streams = Vec::new();
    for person in [&chat.one, &chat.one, &chat.two, &chat.two] {
        let mut stream = person.listen().await;
        stream.next_of("hello").await;
        streams.push(stream);
    }
    chat.two.end().await.ok();
    for stream in &mut streams {
        let rest = stream.rest().await;
        let last = rest.last().unwrap();
        assert_eq!(
            (last.event.as_str(), &last.data),
            ("ended", &json!({"by": "Anny"}))
        );
        assert_eq!(
            rest.iter().filter(|block| block.event == "ended").count(),
            1
        );
    }
    for person in [&chat.one, &chat.two] {
        let call = person.api.call(Method::GET, &chat.path("stream"));
        let answer = call.header("Last-Event-ID", "3").send().await;
        assert_eq!((answer.status, answer.text()), (204, ""));
    }
}
