use std::time::Duration;

use crate::{
    domain::{Invalid, Timestamp, UserName},
    ports::{Denied, StoreError},
};

/// Why a request was refused. The HTTP layer maps it to a status and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A pair refuses by its copy of the chat, and the store may know better: of a name, a session or the chat's end. The
    /// registry has the pair read the store and asks again.
    #[error("{0}")]
    Unconfirmed(Box<Refusal>),
    /// A field of the request is invalid.
    #[error("{problem}")]
    Invalid {
        /// The field's name on the wire.
        field: &'static str,
        /// A sentence for its sender.
        problem: &'static str,
    },
    /// The two names of a chat are the same after case folding.
    #[error("the two names are the same")]
    SameNames,
    /// The token has no live session.
    #[error("there is no such session")]
    NoSession,
    /// The token belongs to another chat.
    #[error("the token belongs to another chat")]
    OtherChat,
    /// Somebody else was let in at the caller's seat, which ended the caller's credential.
    #[error("somebody else was let in at this seat")]
    Replaced(Box<Replacement>),
    /// There is no such chat.
    #[error("there is no such chat")]
    NotFound,
    /// The chat ended or expired.
    #[error("the chat is over")]
    Gone,
    /// The name is not in this chat.
    #[error("the name is not in this chat")]
    WrongName,
    /// The code or ask is wrong, used or lapsed.
    #[error("the code is wrong")]
    WrongCode,
    /// The sender, recipient or chat that the request claims is not that of its session.
    #[error("the request disagrees with its session")]
    Disagrees {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// Only the other person can let somebody in at the caller's seat.
    #[error("a seat cannot answer for itself")]
    OwnSeat,
    /// The chat is encrypted, and the proof of having its whole link is missing or wrong.
    #[error("the link is incomplete")]
    LinkIncomplete,
    /// The text is too long.
    #[error("the text is too long")]
    TextTooLong,
    /// The seat is taken, and there was no code.
    #[error("the seat is taken")]
    SeatTaken,
    /// Nobody has taken the seat yet, so there is nothing to ask for.
    #[error("the seat is free")]
    SeatFree,
    /// Seat 2 has a name already.
    #[error("seat 2 has a name")]
    NamedBefore,
    /// The seat's owner has a stream open, so nobody else is let in there.
    #[error("the seat has a stream open")]
    SeatOpen,
    /// Whether the seat's owner has a stream open is unknown.
    #[error("whether the seat has a stream open is not known")]
    PresenceUnknown,
    /// The ask was answered before, or has lapsed.
    #[error("the ask to be let in is over")]
    AskOver,
    /// The chat takes no more messages.
    #[error("the chat is full")]
    ChatFull,
    /// The hash is in use, or was.
    #[error("the hash is taken")]
    HashTaken,
    /// The registration's id was used with other names.
    #[error("the registration id was used with other names")]
    RegistrationReused,
    /// The message's id was used with another text.
    #[error("the message id was used with another text")]
    MessageReused,
    /// A rate limit or another limit was reached.
    #[error("too many requests")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store takes no new messages and chats until there is room again.
    #[error("storage is full: {0}")]
    StorageFull(String),
    /// No chat was made: the partition of the registration's id or hash is unreachable.
    #[error("the part of the store for this id or hash is out of reach")]
    PartitionUnavailable,
    /// The store is unreachable or a queue is full; the outcome may be unknown.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A bug: what went wrong, for the log only.
    #[error("defect: {0}")]
    Defect(String),
}

/// Details for somebody who lost a seat because somebody else was let in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The kind of credential that stopped working.
    pub credential: Credential,
    /// When it happened.
    pub at: Timestamp,
    /// The name of the seat.
    pub user: Option<UserName>,
    /// The person who let somebody in; only for those who proved that the seat was theirs.
    pub peer: Option<UserName>,
    /// Whether the chat is encrypted; asking to be let in requires the link's proof then.
    pub encrypted: bool,
}

/// The kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A token.
    Token,
    /// A return code or a device code.
    Code,
    /// The seat's name, without a code.
    Name,
}

impl Refusal {
    /// The same, if a copy of the chat that was just read says so too.
    pub(crate) fn unconfirmed(self) -> Self {
        Self::Unconfirmed(Box::new(self))
    }

    /// Turns an [`Invalid`] into a refusal that names the field.
    pub fn invalid(field: &'static str) -> impl FnOnce(Invalid) -> Self {
        move |Invalid(problem)| Refusal::Invalid { field, problem }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Missing => Refusal::NotFound,
            Denied::Ended => Refusal::Gone,
            Denied::NoSession => Refusal::NoSession,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoRoom(_) => Refusal::StorageFull(error.to_string()),
            StoreError::Unavailable(_) => Refusal::Unavailable(error.to_string()),
            StoreError::Refused(_) => Refusal::Defect(error.to_string()),
        }
    }
}
