//! The API as a client sees it: one call per path, answers as types, refusals as one error.
//!
//! A [`Client`] stands for one address and keeps its idle connections; clone it freely. Several instances are several
//! clients, and whoever calls decides which one a request goes to. A call goes out once, except that one which went out
//! on a kept connection that the server had just closed is repeated on a new one: every call is safe to repeat, since
//! those that store something carry an `id`. For all other failures there is [`Retry`], and [`send_until_settled`].

mod answers;
mod dialect;
mod error;
mod pool;
mod retry;
mod wire;

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::http::{Target, TargetError, WireError, path_segment};
pub use answers::{Cursor, Message, Page, Registered, Sent, Session};
pub use dialect::Dialect;
pub use error::ApiError;
pub(crate) use pool::OpenStream;
use pool::{Pool, StreamRequest};
pub use retry::Retry;
use wire::{ByToken, Done, LoggedIn, Login, Registration, Said, data, written};

/// Connections for requests that one client opens at most, unless told otherwise; further requests wait for one.
pub const CONNECTIONS_MAX: usize = 256;
/// The most messages that one page of history holds.
pub const PAGE_LEN_MAX: u32 = 200;

/// The API at one address.
#[derive(Clone, Debug)]
pub struct Client(Arc<Pool>);

impl Client {
    /// A client of `http://host[:port][/prefix]`. Only looks the name up; whether a server answers is for the first call.
    pub async fn new(url: &str) -> Result<Self, TargetError> {
        Self::with_connections(url, CONNECTIONS_MAX).await
    }

    /// A client that opens at most this many connections for requests. Streams have their own.
    pub async fn with_connections(url: &str, connections_max: usize) -> Result<Self, TargetError> {
        let target = Target::resolve(url).await?;
        Ok(Self(Arc::new(Pool::new(target, connections_max, None))))
    }

    /// A client of a server that has another API than duet's.
    pub async fn speaking(
        dialect: Arc<dyn Dialect>,
        url: &str,
        connections_max: usize,
    ) -> Result<Self, TargetError> {
        let target = Target::resolve(url).await?;
        Ok(Self(Arc::new(Pool::new(
            target,
            connections_max,
            Some(dialect),
        ))))
    }

    /// A client of the same address that opens its streams over HTTP/2 without TLS, this many on each connection.
    pub fn with_streams_over_h2c(&self, streams_per_connection: usize) -> Self {
        Self(Arc::new(
            self.0.with_streams_over_h2c(streams_per_connection),
        ))
    }

    /// Closes the connections that no request is using, so that the server's memory shows its streams alone.
    pub fn close_idle_connections(&self) {
        self.0.close_idle();
    }

    /// Whether the server has duet's API, with seats, a greeting on each stream, and a history.
    pub fn speaks_duet(&self) -> bool {
        self.0.dialect().is_none()
    }

    /// The address as it was given.
    pub fn url(&self) -> &str {
        self.0.target().url()
    }

    /// `POST register`; the server chooses the hash unless one is given.
    pub async fn register(
        &self,
        user_one: &str,
        user_two: &str,
        hash: Option<&str>,
    ) -> Result<Registered, ApiError> {
        if let Some(dialect) = self.0.dialect() {
            return Ok(dialect.register());
        }
        let body = Registration {
            user_one,
            user_two,
            hash,
            id: Uuid::new_v4(),
        };
        self.post("/chat-server/register", None, &body).await
    }

    /// `POST login`; the return code is needed for a seat that was taken before.
    pub async fn login(
        &self,
        hash: &str,
        user: &str,
        return_code: Option<&str>,
    ) -> Result<Session, ApiError> {
        if let Some(dialect) = self.0.dialect() {
            return Ok(dialect.login(hash, user));
        }
        let path = format!("/chat-server/user/{}/login", path_segment(user));
        let body = Login {
            user,
            hash,
            return_code,
            id: Uuid::new_v4(),
        };
        let login: LoggedIn = self.post(&path, None, &body).await?;
        Ok(Session {
            hash: hash.to_owned(),
            user: user.to_owned(),
            peer: login.peer,
            seat: login.seat,
            token: login.token,
            last_seq: login.last_seq,
            return_code: login.return_code,
        })
    }

    /// `POST message_send`. The same `id` with the same text may be sent again as often as needed.
    pub async fn send(&self, session: &Session, id: Uuid, text: &str) -> Result<Sent, ApiError> {
        if let Some(dialect) = self.0.dialect() {
            return dialect.send(self, session, id, text).await;
        }
        let path = format!("/chat-server/user/{}/message_send", session.hash);
        let body = Said {
            user_hash: &session.hash,
            sender_name: &session.user,
            reciever: session.peer.as_deref(),
            message: text,
            id,
        };
        self.post(&path, Some(&session.token), &body).await
    }

    /// `GET messages` from there on, at most [`PAGE_LEN_MAX`] of them.
    pub async fn history(
        &self,
        session: &Session,
        cursor: Cursor,
        limit: u32,
    ) -> Result<Page, ApiError> {
        let (word, seq) = match cursor {
            Cursor::After(seq) => ("after", seq),
            Cursor::Before(seq) => ("before", seq),
        };
        let path = format!(
            "/chat-server/user/{}/messages?{word}={seq}&limit={limit}",
            session.hash
        );
        let token = Some(session.token.as_str());
        let request = written("GET", self.0.target(), &path, token, &[], &[]);
        self.decoded(&self.0.call(&request).await?)
    }

    /// All messages of the chat, page by page from the first.
    pub async fn whole_history(
        &self,
        session: &Session,
    ) -> Result<Vec<Message<'static>>, ApiError> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let Page { messages, more } = self
                .history(session, Cursor::After(after), PAGE_LEN_MAX)
                .await?;
            all.extend(messages);
            match all.last() {
                // A page that leads nowhere would be asked for again for ever.
                Some(last) if more && last.seq > after => after = last.seq,
                _ => return Ok(all),
            }
        }
    }

    /// `POST logout`: ends this session.
    pub async fn logout(&self, session: &Session) -> Result<(), ApiError> {
        self.post::<Done>(
            "/chat-server/user/logout",
            Some(&session.token),
            &ByToken {},
        )
        .await
        .map(drop)
    }

    /// `POST endchat`: ends the chat for both.
    pub async fn end(&self, session: &Session) -> Result<(), ApiError> {
        self.post::<Done>(
            "/chat-server/user/endchat",
            Some(&session.token),
            &ByToken {},
        )
        .await
        .map(drop)
    }

    /// `GET stream`: behind `last_event_id`, else behind `after`, else from the present; `None` when the chat has ended.
    pub(crate) async fn open_stream(
        &self,
        session: &Session,
        after: Option<u64>,
        last_event_id: &str,
    ) -> Result<Option<OpenStream>, ApiError> {
        let path = format!("/chat-server/user/{}/stream", session.hash);
        let (path, last_event_id) = match (self.0.dialect(), after) {
            (Some(dialect), _) => dialect.stream(session, last_event_id),
            (None, _) if !last_event_id.is_empty() => (path, Some(last_event_id)),
            (None, Some(after)) => (format!("{path}?after={after}"), None),
            (None, None) => (path, None),
        };
        let request = StreamRequest {
            path,
            token: &session.token,
            last_event_id,
        };
        self.0.open_stream(&request).await
    }

    /// Posts a body without duet's envelope, and asks for nothing but a success.
    pub async fn post_bytes(&self, path: &str, body: &[u8]) -> Result<(), ApiError> {
        let request = written("POST", self.0.target(), path, None, &[], body);
        self.0.call(&request).await.map(drop)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let request = written("POST", self.0.target(), path, token, &[], &data(body));
        self.decoded(&self.0.call(&request).await?)
    }

    fn decoded<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ApiError> {
        let not_understood = |reason: serde_json::Error| ApiError::NotUnderstood {
            url: self.0.url(),
            reason: reason.to_string(),
        };
        wire::decoded(body).map_err(not_understood)
    }

    pub(crate) fn failed(&self, source: WireError) -> ApiError {
        self.0.failed(source)
    }

    pub(crate) fn timed_out(&self) -> ApiError {
        self.0.timed_out()
    }
}

/// Sends one message until it is answered for good, or for as long as `patience` lasts: after 429 and 503 as the server
/// asks, after a lost connection at the next instance (beginning with number `first`), always with the same `id`.
/// `on_failure` hears of every attempt that failed.
pub async fn send_until_settled(
    clients: &[Client],
    first: usize,
    session: &Session,
    (id, text): (Uuid, &str),
    patience: Duration,
    mut on_failure: impl FnMut(&ApiError),
) -> Result<Sent, ApiError> {
    let mut retry = Retry::for_up_to(patience);
    loop {
        let client = &clients[(first + retry.attempts()) % clients.len()];
        match client.send(session, id, text).await {
            Ok(sent) => return Ok(sent),
            Err(error) => {
                on_failure(&error);
                retry.pause(error).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests;
