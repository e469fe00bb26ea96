//! nchan's channels in place of chats: what is published in one is shown on every stream of it, and nobody keeps it for long.
//!
//! Nothing is registered and nobody logs in: whoever knows a channel's name may publish and listen. Nobody numbers what is
//! published, so the numbers are given here; a channel's next message goes out when the last one is answered, so that they
//! are in order on every server that keeps the order of what it has answered.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use serde::Serialize;
use tokio::sync;
use uuid::Uuid;

use super::{ApiError, Registered, Sent, Session, pool::Pool, wire::written};
use crate::checker::Seat;

/// The last number of each channel; the clients of all servers share it, since a channel is on all of them.
static LAST_NUMBERS: LazyLock<Mutex<HashMap<String, Arc<sync::Mutex<u64>>>>> =
    LazyLock::new(Mutex::default);

/// A message as the streams show it: with what is read of one of duet's.
#[derive(Serialize)]
struct Published<'a> {
    seq: u64,
    id: Uuid,
    message: &'a str,
}

pub(super) fn channel() -> Registered {
    Registered {
        hash: Uuid::new_v4().simple().to_string(),
    }
}

pub(super) fn session(hash: &str, user: &str) -> Session {
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

pub(super) async fn publish(
    pool: &Pool,
    channel: &str,
    id: Uuid,
    message: &str,
) -> Result<Sent, ApiError> {
    let last_number = {
        let mut channels = LAST_NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(channels.entry(channel.to_owned()).or_default())
    };
    let mut last_number = last_number.lock().await;
    let seq = *last_number + 1;
    let published = Published { seq, id, message };
    let body = serde_json::to_vec(&published).expect("strings and ids always have a JSON form");
    let path = format!("/pub/{channel}");
    let request = written("POST", pool.target(), &path, None, None, &body);
    pool.call(&request).await?;
    *last_number = seq;
    Ok(Sent { seq, id })
}

/// The path of a channel's stream, and the id to come back with where it is one that nchan gave.
pub(super) fn stream<'a>(channel: &str, last_event_id: &'a str) -> (String, Option<&'a str>) {
    let is_its_own = last_event_id.contains(':');
    (
        format!("/sub/{channel}"),
        is_its_own.then_some(last_event_id),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Client,
        fixture::{Fixture, answer},
    };

    #[tokio::test]
    async fn messages_of_a_channel_are_numbered_over_all_servers() {
        let stored = || vec![answer("201 Created", "queued messages: 1\r\n")];
        let fixtures = [
            Fixture::playing(vec![stored()]).await,
            Fixture::playing(vec![stored()]).await,
        ];
        let (id, hash) = (Uuid::new_v4(), channel().hash);
        for (fixture, number) in fixtures.iter().zip(1..) {
            let url = fixture.url.replacen("http:", "nchan:", 1);
            let client = Client::new(&url).await.unwrap();
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
    fn only_an_id_that_the_server_gave_is_brought_back() {
        assert_eq!(stream("c", ""), ("/sub/c".to_owned(), None));
        assert_eq!(stream("c", "1").1, None);
        assert_eq!(stream("c", "1450755280:0").1, Some("1450755280:0"));
    }
}
