//! nchan's channels in place of chats: what is published in one is shown on each of its streams, and nothing is kept for long.
//!
//! Nothing is registered and nobody logs in: whoever knows a channel's name may publish and listen. nchan numbers nothing, so
//! the numbers are given here; a channel's next message goes out when the last one has been answered, so that they are in
//! order on every server that keeps the order of what it answered.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use harness::{
    checker::Seat,
    client::{ApiError, Client, Dialect, Registered, Sent, Session},
};
use serde::Serialize;
use tokio::sync;
use uuid::Uuid;

/// The `nchan://` of an address, which is HTTP.
pub(crate) const SCHEME: &str = "nchan://";

/// nchan's API. The clients of all instances share one, since every channel is on all of them.
#[derive(Debug, Default)]
pub(crate) struct Nchan {
    last_numbers: Mutex<HashMap<String, Arc<sync::Mutex<u64>>>>,
}

/// A message as the streams show it: the fields of one of duet's that are read.
#[derive(Serialize)]
struct Published<'a> {
    seq: u64,
    id: Uuid,
    message: &'a str,
}

impl Nchan {
    async fn publish(
        &self,
        client: &Client,
        channel: &str,
        id: Uuid,
        message: &str,
    ) -> Result<Sent, ApiError> {
        let last_number = {
            let mut channels = self
                .last_numbers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            Arc::clone(channels.entry(channel.to_owned()).or_default())
        };
        let mut last_number = last_number.lock().await;
        let seq = *last_number + 1;
        let published = Published { seq, id, message };
        let body = serde_json::to_vec(&published).expect("strings and ids always have a JSON form");
        client.post_bytes(&format!("/pub/{channel}"), &body).await?;
        *last_number = seq;
        Ok(Sent { seq, id })
    }
}

impl Dialect for Nchan {
    fn register(&self) -> Registered {
        Registered {
            hash: Uuid::new_v4().simple().to_string(),
        }
    }

    fn login(&self, hash: &str, user: &str) -> Session {
        Session {
            hash: hash.to_owned(),
            user: user.to_owned(),
            peer: None,
            seat: Seat::One,
            token: String::new(),
            last_seq: 0,
            return_code: None,
        }
    }

    fn send<'a>(
        &'a self,
        client: &'a Client,
        session: &'a Session,
        id: Uuid,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Sent, ApiError>> + Send + 'a>> {
        Box::pin(self.publish(client, &session.hash, id, text))
    }

    /// nchan understands no ids but its own, which have a colon.
    fn stream<'a>(&self, session: &Session, last_event_id: &'a str) -> (String, Option<&'a str>) {
        let is_its_own = last_event_id.contains(':');
        (
            format!("/sub/{}", session.hash),
            is_its_own.then_some(last_event_id),
        )
    }
}

#[cfg(test)]
mod tests {
    use harness::{
        client::CONNECTIONS_MAX,
        fixture::{Fixture, answer},
    };

    use super::*;

    #[tokio::test]
    async fn messages_of_a_channel_are_numbered_over_all_servers() {
        let stored = || vec![answer("201 Created", "queued messages: 1\r\n")];
        let fixtures = [
            Fixture::playing(vec![stored()]).await,
            Fixture::playing(vec![stored()]).await,
        ];
        let nchan: Arc<dyn Dialect> = Arc::new(Nchan::default());
        let (id, hash) = (Uuid::new_v4(), nchan.register().hash);
        for (fixture, number) in fixtures.iter().zip(1..) {
            let client = Client::speaking(Arc::clone(&nchan), &fixture.url, CONNECTIONS_MAX);
            let client = client.await.unwrap();
            let session = client.login(&hash, "Ada", None).await.unwrap();
            let sent = client.send(&session, id, "a\nb").await.unwrap();
            assert_eq!(sent, Sent { seq: number, id });
            let request = &fixture.requests()[0];
            assert!(request.starts_with(&format!("POST /pub/{hash} ")));
            let body = format!(r#"{{"seq":{number},"id":"{id}","message":"a\nb"}}"#);
            assert!(request.ends_with(&body), "{request}");
        }
    }

    #[test]
    fn only_an_id_that_nchan_gave_is_sent_back() {
        let nchan = Nchan::default();
        let session = nchan.login("c", "Ada");
        assert_eq!(nchan.stream(&session, ""), ("/sub/c".to_owned(), None));
        assert_eq!(nchan.stream(&session, "1").1, None);
        let given = "1450755280:0";
        assert_eq!(nchan.stream(&session, given).1, Some(given));
    }
}
