//! Servers that show messages on streams and have another API than duet's, so that the same commands can drive them.

use std::{fmt, pin::Pin};

use uuid::Uuid;

use super::{ApiError, Client, Registered, Sent, Session};

/// What [`Client`] does in place of duet's calls. Such a server has no seats, greets nobody on a stream and keeps no
/// history.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// A fresh chat.
    fn register(&self) -> Registered;

    /// A session of this user in the chat.
    fn login(&self, hash: &str, user: &str) -> Session;

    /// Sends one message; the dialect numbers it if the server does not.
    fn send<'a>(
        &'a self,
        client: &'a Client,
        session: &'a Session,
        id: Uuid,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Sent, ApiError>> + Send + 'a>>;

    /// The path of the session's stream, and the `Last-Event-ID` to send.
    fn stream<'a>(&self, session: &Session, last_event_id: &'a str) -> (String, Option<&'a str>);
}
