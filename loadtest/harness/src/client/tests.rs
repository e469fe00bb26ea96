use super::*;
use crate::fixture::{Fixture, answer, session};

fn sent(seq: u64, id: Uuid) -> String {
    answer(
        "200 OK",
        &format!(
            r#"{{"data":{{"status":"OK","code":200,"seq":{seq},"id":"{id}","online":null}}}}"#
        ),
    )
}

#[tokio::test]
async fn requests_share_a_kept_connection() {
    let id = Uuid::new_v4();
    let fixture = Fixture::playing(vec![vec![sent(1, id), sent(2, id)]]).await;
    let client = fixture.client().await;
    for seq in [1, 2] {
        assert_eq!(
            client.send(&session(), id, "Hello").await.unwrap(),
            Sent { seq, id }
        );
    }
    let error = client.send(&session(), id, "Hello").await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_no_error() {
    let id = Uuid::new_v4();
    let fixture = Fixture::playing((1..=20).map(|seq| vec![sent(seq, id)]).collect()).await;
    let client = fixture.client().await;
    for seq in 1..=20 {
        assert_eq!(client.send(&session(), id, "Hello").await.unwrap().seq, seq);
    }
}

#[tokio::test]
async fn a_refusal_says_what_the_envelope_says() {
    let body = r#"{"data":{"status":"Failed","code":422,"error":"id_reused","message":"Another text.","field":"id"}}"#;
    let fixture = Fixture::playing(vec![vec![answer("422 Unprocessable", body)]]).await;
    match fixture
        .client()
        .await
        .send(&session(), Uuid::new_v4(), "Hello")
        .await
        .unwrap_err()
    {
        ApiError::Refused {
            code,
            error,
            message,
            retry_after,
            ..
        } => {
            assert_eq!(
                (code, error.as_str(), message.as_str()),
                (422, "id_reused", "Another text.")
            );
            assert_eq!(retry_after, None);
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_balancers_page_still_says_when_to_come_back() {
    let page =
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n\r\n<h1>No server is available</h1>";
    let fixture = Fixture::playing(vec![vec![page.to_owned()]]).await;
    let error = fixture
        .client()
        .await
        .history(&session(), Cursor::After(0), 50)
        .await
        .unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_is_transient_and_one_that_makes_no_sense_is_not() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"data\"".to_owned();
    let fixture = Fixture::playing(vec![
        vec![cut],
        vec![answer("200 OK", r#"{"data":{"status":"OK"}}"#)],
    ])
    .await;
    let client = fixture.client().await;
    let error = client
        .send(&session(), Uuid::new_v4(), "Hello")
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error}");
    let error = client
        .send(&session(), Uuid::new_v4(), "Hello")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ApiError::NotUnderstood { reason, .. } if reason.contains("seq")),
        "{error}"
    );
}

#[tokio::test]
async fn history_is_read_page_by_page() {
    let id = Uuid::nil();
    let body = format!(
        r#"{{"data":{{"status":"OK","code":200,"messages":[{{"seq":8,"id":"{id}","senderName":"Ada","reciever":"Zoë","message":"a\nb","timestamp":""}}],"more":true}}}}"#
    );
    let fixture = Fixture::playing(vec![vec![answer("200 OK", &body)]]).await;
    let page = fixture
        .client()
        .await
        .history(&session(), Cursor::After(7), 1)
        .await
        .unwrap();
    assert_eq!(
        page.messages,
        [Message {
            seq: 8,
            id,
            text: "a\nb".into()
        }]
    );
    assert!(page.more);
    assert!(
        fixture.requests()[0].starts_with("GET /chat-server/user/abc123/messages?after=7&limit=1 ")
    );
}

#[tokio::test]
async fn no_more_connections_are_opened_than_allowed() {
    let id = Uuid::new_v4();
    // The fixture takes one connection alone: a second one would wait for ever to be accepted.
    let fixture = Fixture::playing(vec![(1..=8).map(|seq| sent(seq, id)).collect()]).await;
    let client = Client::with_connections(&fixture.url, 1).await.unwrap();
    let sends: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(&session(), id, "Hello").await })
        })
        .collect();
    for send in sends {
        send.await.unwrap().unwrap();
    }
}
