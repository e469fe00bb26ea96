use std::time::Duration;

use crate::{
    domain::{Invalid, Timestamp, UserName},
    ports::StoreError,
};

/// Why a request was not carried out. The doors turn it into a status and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field of the request cannot be what it says.
    #[error("{problem}")]
    Invalid {
        /// The field's name on the wire.
        field: &'static str,
        /// A sentence for its sender.
        problem: &'static str,
    },
    /// The two names of a chat are one, but for case.
    #[error("the two names are one")]
    SameNames,
    /// No session goes with this token, as far as this pair knows; the store may know better.
    #[error("the session is not known here")]
    UnknownSession,
    /// No session goes with this token.
    #[error("there is no such session")]
    NoSession,
    /// The token belongs to another chat.
    #[error("the token belongs to another chat")]
    OtherChat,
    /// Somebody else was let in at the caller's seat, which ended what the caller came with.
    #[error("somebody else was let in at this seat")]
    Replaced(Box<WasReplaced>),
    /// There is no such chat.
    #[error("there is no such chat")]
    NotFound,
    /// The chat ended or expired.
    #[error("the chat is over")]
    Gone,
    /// The name is not in this chat.
    #[error("the name is not in this chat")]
    WrongName,
    /// The code, or the wish to be let in, does not let anybody in.
    #[error("the code is wrong")]
    WrongCode,
    /// What the request says of its sender or recipient disagrees with its session.
    #[error("the request disagrees with its session")]
    Disagrees {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// One cannot let somebody in at one's own seat.
    #[error("a seat cannot answer for itself")]
    OwnSeat,
    /// The chat is encrypted, and the proof of having its whole link is missing or wrong.
    #[error("the link is incomplete")]
    LinkIncomplete,
    /// The text is longer than the chat takes.
    #[error("the text is too long")]
    TextTooLong,
    /// The seat is taken and no code came.
    #[error("the seat is taken")]
    SeatTaken,
    /// Nobody sits there yet, so there is nothing to ask for.
    #[error("the seat is free")]
    SeatFree,
    /// Seat 2 has a name.
    #[error("seat 2 has a name")]
    NamedBefore,
    /// The person asked for is there to answer for themselves.
    #[error("the seat has a stream open")]
    SeatOpen,
    /// Nobody can say whether the person asked for is there.
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
    /// Too many, too fast.
    #[error("too many requests")]
    TooMany {
        /// When to come back.
        retry_after: Duration,
    },
    /// The store takes no new messages and chats until there is room again.
    #[error("storage is full: {0}")]
    StorageFull(String),
    /// No chat was made: the part of the store is out of reach that the registration's id, or the hash
    /// that came with it, belongs to.
    #[error("the part of the store for this id or hash is out of reach")]
    PartAway,
    /// The store is out of reach or a queue is full; the outcome may be unknown.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A defect: what went wrong, for the log alone.
    #[error("defect: {0}")]
    Defect(String),
}

/// What is told to somebody who held a seat until somebody else was let in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasReplaced {
    /// What they came with.
    pub came_with: CameWith,
    /// When it happened.
    pub at: Timestamp,
    /// The name of the seat.
    pub user: Option<UserName>,
    /// Who let somebody in; only for those who proved that the seat was theirs.
    pub peer: Option<UserName>,
    /// Whether the chat is encrypted: asking to be let in takes the proof of having its link then.
    pub encrypted: bool,
}

/// What somebody comes with who wants to act at a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameWith {
    /// A token.
    Token,
    /// A return code or a device code.
    Code,
    /// The seat's name alone.
    Name,
}

impl Refusal {
    /// A field cannot be what it says.
    pub fn invalid(field: &'static str) -> impl FnOnce(Invalid) -> Self {
        move |Invalid(problem)| Refusal::Invalid { field, problem }
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
