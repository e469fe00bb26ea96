//! Maps each refusal of a pair to a status, an error word and a sentence.

use actix_web::http::StatusCode as S;
use actors::{Credential, Refusal, domain::TextError, ports::StoreError};
use tracing::debug;

use super::{Problem, Sentence};
use crate::words::counted;

/// What to do about a server that cannot do something right now.
pub const UNAVAILABLE: &str = "The server cannot do this right now. Try again in a moment; sending a \
                               message again with the same id is safe.";
/// The same about a defect.
pub const DEFECT: &str = "Something went wrong on the server. Try again; if it stays so, report the \
                          reference.";

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Defect(cause) => return Self::defect(cause),
            // An outage of the store is logged once, where it is noticed.
            Refusal::Unavailable(ref cause) | Refusal::StorageFull(ref cause) => {
                debug!(%cause, "a request could not be carried out");
            }
            _ => {}
        }
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

/// The row of the contract's table.
pub fn row(refusal: &Refusal) -> (S, &'static str, Sentence) {
    #[rustfmt::skip]
    let (status, error, message) = match refusal {
        // The registry confirms it first.
        Refusal::Unconfirmed(refusal) => return row(refusal),
        Refusal::Invalid { problem, .. } => (S::BAD_REQUEST, "invalid_field", *problem),
        Refusal::SameNames => (S::BAD_REQUEST, "invalid_field",
            "The two names must differ by more than upper and lower case."),
        Refusal::NoSession => (S::UNAUTHORIZED, "no_session",
            "You are not logged in here, or that session has ended. Log in again."),
        Refusal::OtherChat => (S::FORBIDDEN, "other_chat",
            "This token belongs to another chat. Use the one its login gave you."),
        Refusal::TooMany { retry_after } => {
            let seconds = counted(super::whole_seconds(*retry_after), "second");
            let message = format!("Too many requests. Wait {seconds} and try again.");
            return (S::TOO_MANY_REQUESTS, "too_many_requests", message.into());
        }
        Refusal::Unavailable(_) => (S::SERVICE_UNAVAILABLE, "unavailable", UNAVAILABLE),
        Refusal::PresenceUnknown => (S::SERVICE_UNAVAILABLE, "presence_unknown",
            "Nobody can say right now whether that person has this chat open, so nobody is let in \
             as them. Try again in a moment."),
        Refusal::PartitionUnavailable => (S::SERVICE_UNAVAILABLE, "part_away",
            "The part of the server that this id or hash belongs to is away, and no chat was made. \
             Use a fresh id and a fresh hash, or try again later."),
        Refusal::StorageFull(_) => (S::SERVICE_UNAVAILABLE, "storage_full",
            "This server has no room for new messages and chats right now. What is stored can be \
             read, and chats can be ended."),
        // `From<Refusal>` logs the cause.
        Refusal::Defect(_) => (S::INTERNAL_SERVER_ERROR, "defect", DEFECT),
        Refusal::Replaced(replaced) => {
            let (status, message) = replaced_by(replaced.credential);
            (status, "replaced", message)
        }
        Refusal::TextTooLong => {
            let message = TextError::TooLong.to_string();
            return (S::PAYLOAD_TOO_LARGE, "message_too_long", message.into());
        }
        Refusal::Disagrees { .. } => (S::FORBIDDEN, "disagrees_with_session",
            "This does not agree with who is logged in. Leave the field out, or correct it."),
        Refusal::NotFound => (S::NOT_FOUND, "no_such_chat",
            "There is no such chat. Check the link."),
        Refusal::Gone => (S::GONE, "chat_ended",
            "This chat has ended and everything in it was deleted."),
        Refusal::WrongName => (S::FORBIDDEN, "wrong_name",
            "That name is not part of this chat. Check it with the person who invited you."),
        Refusal::LinkIncomplete => (S::FORBIDDEN, "link_incomplete",
            "This link is incomplete: ask for the whole link, with what follows the #."),
        Refusal::WrongCode => (S::FORBIDDEN, "wrong_code",
            "That code is wrong, used or too old. Check it, or ask to be let in."),
        Refusal::OwnSeat => (S::FORBIDDEN, "own_seat",
            "Only the other person can let somebody in at your seat. You can refuse."),
        Refusal::SeatTaken => (S::CONFLICT, "seat_taken",
            "This seat is taken. Enter your return code, or ask to be let in."),
        Refusal::SeatFree => (S::CONFLICT, "seat_free",
            "Nobody has taken this seat yet. Log in without asking."),
        Refusal::NamedBefore => (S::CONFLICT, "named_already",
            "The second person is named already."),
        Refusal::SeatOpen => (S::CONFLICT, "seat_open",
            "That person has this chat open right now, so nobody else can be let in as them."),
        Refusal::AskOver => (S::CONFLICT, "ask_over", "Nobody waits for this answer any more."),
        Refusal::ChatFull => (S::CONFLICT, "chat_full",
            "This chat holds as many messages as it can. Start a new one."),
        Refusal::HashTaken => (S::CONFLICT, "hash_taken",
            "This hash is in use or was used before. Choose another, or leave it out."),
        Refusal::RegistrationReused => (S::CONFLICT, "id_reused",
            "This id made another chat. Use a fresh id."),
        Refusal::MessageReused => (S::UNPROCESSABLE_ENTITY, "id_reused",
            "This id was used for another text. Use a fresh id."),
    };
    (status, error, message.into())
}

/// The status and sentence for somebody whose seat was given to somebody else, by their credential.
fn replaced_by(credential: Credential) -> (S, &'static str) {
    match credential {
        Credential::Token => (
            S::UNAUTHORIZED,
            "The other person let somebody in at this seat, which ended this session. If you did \
             not agree to that, tell them some other way, and ask to be let in.",
        ),
        Credential::Code => (
            S::FORBIDDEN,
            "The other person let somebody in at this seat, which ended this code. If you did not \
             agree to that, tell them some other way, and ask to be let in.",
        ),
        Credential::Name => (
            S::CONFLICT,
            "This seat is taken: the other person let somebody in, which ended what was known of \
             it before. Enter the return code from then, or ask to be let in.",
        ),
    }
}
