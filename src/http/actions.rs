//! What a caller can do: domain values in, domain values or a [`Refusal`] out.
//!
//! Both the API and the pages call these and nothing deeper. Parsing requests, writing responses and counting requests per
//! address is left to the callers.

mod conversation;
mod fresh_hash;
mod link;
mod register;
mod seat;
mod token_holder;

use actors::Refusal;

pub use conversation::SendRequest;
pub use fresh_hash::{RESERVED_FOR, fresh_id, reserve};
pub use link::{ask, ask_status, login, name_seat_two, public_info};
pub use register::{Registration, register};
pub use seat::{AnswerRequest, end_chat, log_out};
pub use token_holder::TokenHolder;

/// For requests with a session: a chat that does not exist has no sessions, so its token is invalid.
fn of_session(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::NotFound => Refusal::NoSession,
        other => other,
    }
}
