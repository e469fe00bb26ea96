use super::*;
use crate::fixture::{Fixture, answer, session, stream};

/// What a stream told its follower, in short.
async fn follow(
    fixtures: &[&Fixture],
    after: Option<u64>,
    enough: &str,
) -> (Vec<String>, Result<Ended, ApiError>) {
    let mut clients = Vec::new();
    for fixture in fixtures {
        clients.push(fixture.client().await);
    }
    let mut subscription = Subscription::new(clients.into(), 0, Arc::new(session()));
    subscription.after = after;
    let mut told = Vec::new();
    let following = subscription.follow(|signal| {
        let said = match signal {
            Signal::Opened => "opened".to_owned(),
            Signal::Event(event) => format!("{} {}", event.last_event_id, event.data),
            Signal::Lost { back_in, .. } => format!("back in {} ms", back_in.as_millis()),
            Signal::Refused { error } => format!("refused with {}", error.label()),
        };
        told.push(said);
        if told.last().is_some_and(|said| said == enough) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let ended = timeout(Duration::from_secs(60), following)
        .await
        .expect("the stream ends");
    (told, ended)
}

#[tokio::test]
async fn a_stream_cut_in_the_middle_of_an_event_comes_back_behind_the_last_whole_one() {
    let fixture = Fixture::playing(vec![
        vec![stream(
            "retry: 20\n\nid: 3\ndata: hello\n\nid: 4\ndata: four\n\nid: 5\ndata: fi",
        )],
        vec![stream("id: 4\ndata: hello\n\nid: 5\ndata: five\n\n")],
    ])
    .await;
    let (told, ended) = follow(&[&fixture], Some(3), "5 five").await;
    assert_eq!(
        told,
        [
            "opened",
            "3 hello",
            "4 four",
            "back in 20 ms",
            "opened",
            "4 hello",
            "5 five"
        ]
    );
    assert_eq!(ended.unwrap(), Ended::ByFollower);
    let requests = fixture.requests();
    assert!(
        requests[0].starts_with("GET /chat-server/user/abc123/stream?after=3 "),
        "{}",
        requests[0]
    );
    assert!(!requests[0].contains("last-event-id"));
    assert!(
        requests[1].starts_with("GET /chat-server/user/abc123/stream "),
        "{}",
        requests[1]
    );
    assert!(
        requests[1].contains("last-event-id: 4\r\n"),
        "{}",
        requests[1]
    );
}

#[tokio::test]
async fn a_lost_stream_comes_back_at_the_next_instance() {
    let first = Fixture::playing(vec![vec![stream("retry: 1\n\nid: 1\ndata: one\n\n")]]).await;
    let second = Fixture::playing(vec![vec![stream("id: 2\ndata: two\n\n")]]).await;
    let (told, _) = follow(&[&first, &second], None, "2 two").await;
    assert_eq!(told, ["opened", "1 one", "back in 1 ms", "opened", "2 two"]);
    assert!(second.requests()[0].contains("last-event-id: 1\r\n"));
}

#[tokio::test]
async fn a_stream_that_ends_properly_is_asked_for_again_until_204() {
    let fixture = Fixture::playing(vec![
        vec![stream("retry: 1\n\nid: 1\ndata: one\n\n") + "0\r\n\r\n"],
        vec!["HTTP/1.1 204 No Content\r\n\r\n".to_owned()],
    ])
    .await;
    let (told, ended) = follow(&[&fixture], None, "").await;
    assert_eq!(told, ["opened", "1 one", "back in 1 ms"]);
    assert_eq!(ended.unwrap(), Ended::ByServer);
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_waited_for_and_a_refusal_is_final() {
    let refusal =
        r#"{"data":{"status":"FAIL","code":401,"error":"no_session","message":"Log in first."}}"#;
    let fixture = Fixture::playing(vec![
        vec!["HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n".to_owned()],
        vec![answer("401 Unauthorized", refusal)],
    ])
    .await;
    let (told, ended) = follow(&[&fixture], None, "").await;
    assert_eq!(told, ["back in 0 ms", "refused with 401"]);
    let error = ended.unwrap_err();
    assert_eq!(error.code(), Some(401));
    assert!(
        error.to_string().contains("no_session: Log in first."),
        "{error}"
    );
}
