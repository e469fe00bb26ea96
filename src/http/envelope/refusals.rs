//! What a pair refuses, as a status, a word and a sentence.

use actix_web::http::StatusCode as S;
use actors::{Refusal, domain::TextError, ports::StoreError};
use tracing::{debug, warn};

use super::Problem;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, error, message) = match refusal {
            Refusal::Invalid { field, problem } => return Self::invalid(field, problem),
            Refusal::UnknownSession | Refusal::NoSession => return Self::no_session(),
            Refusal::TooMany { retry_after } => return Self::too_many(retry_after),
            Refusal::Unavailable(cause) => {
                debug!(%cause, "a request could not be carried out");
                return Self::unavailable();
            }
            Refusal::Replaced(replaced) => return Self::replaced(replaced),
            Refusal::PresenceUnknown => return Self::presence_unknown(),
            Refusal::StorageFull(cause) => {
                warn!(%cause, "a request was refused");
                return Self::storage_full();
            }
            Refusal::Defect(cause) => return Self::defect(cause),
            Refusal::Disagrees { field } => {
                let message = "This does not agree with who is logged in. Leave the field out, \
                               or correct it.";
                return Self {
                    field: Some(field.into()),
                    ..Self::new(S::FORBIDDEN, "disagrees_with_session", message)
                };
            }
            Refusal::NotFound => (
                S::NOT_FOUND,
                "no_such_chat",
                "There is no such chat. Check the link.",
            ),
            Refusal::Gone => (
                S::GONE,
                "chat_ended",
                "This chat has ended and everything in it was deleted.",
            ),
            Refusal::WrongName => (
                S::FORBIDDEN,
                "wrong_name",
                "That name is not part of this chat. Check it with the person who invited you.",
            ),
            Refusal::LinkIncomplete => (
                S::FORBIDDEN,
                "link_incomplete",
                "This link is incomplete: ask for the whole link, with what follows the #.",
            ),
            Refusal::TextTooLong => return Self::message_too_long(&TextError::TooLong.to_string()),
            Refusal::WrongCode => (
                S::FORBIDDEN,
                "wrong_code",
                "That code is wrong, used or too old. Check it, or ask to be let in.",
            ),
            Refusal::OwnSeat => (
                S::FORBIDDEN,
                "own_seat",
                "Only the other person can let somebody in at your seat. You can refuse.",
            ),
            Refusal::SeatTaken => (
                S::CONFLICT,
                "seat_taken",
                "This seat is taken. Enter your return code, or ask to be let in.",
            ),
            Refusal::SeatFree => (
                S::CONFLICT,
                "seat_free",
                "Nobody has taken this seat yet. Log in without asking.",
            ),
            Refusal::NamedBefore => (
                S::CONFLICT,
                "named_already",
                "The second person is named already.",
            ),
            Refusal::SeatOpen => (
                S::CONFLICT,
                "seat_open",
                "That person has this chat open right now, so nobody else can be let in as them.",
            ),
            Refusal::AskOver => (
                S::CONFLICT,
                "ask_over",
                "Nobody waits for this answer any more.",
            ),
            Refusal::ChatFull => (
                S::CONFLICT,
                "chat_full",
                "This chat holds as many messages as it can. Start a new one.",
            ),
            Refusal::HashTaken => (
                S::CONFLICT,
                "hash_taken",
                "This hash is in use or was used before. Choose another, or leave it out.",
            ),
            Refusal::RegistrationReused => (
                S::CONFLICT,
                "id_reused",
                "This id made a chat with other names. Use a fresh id.",
            ),
            Refusal::MessageReused => (
                S::UNPROCESSABLE_ENTITY,
                "id_reused",
                "This id was used for another text. Use a fresh id.",
            ),
        };
        Self::new(status, error, message)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}
