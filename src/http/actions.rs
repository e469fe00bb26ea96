//! What a caller can do, a file per action: domain values in, domain values or a [`Refusal`] out.
//!
//! Both doors call these and nothing deeper. Parsing requests, writing responses and counting requests per
//! address is left to the doors.

mod answer;
mod ask;
mod caller;
mod device_code;
mod end;
mod fresh_hash;
mod history;
mod login;
mod logout;
mod name_seat_two;
mod open_stream;
mod public_info;
mod receipt;
mod register;
mod reserve;
mod return_code;
mod send;
mod sessions;
mod typing;

use actors::Refusal;

pub use answer::{AnswerRequest, answer};
pub use ask::{ask, ask_status};
pub use caller::Caller;
pub use device_code::new_device_code;
pub use end::end_chat;
pub use fresh_hash::fresh_id;
pub use history::history;
pub use login::{login, login_and_name};
pub use logout::log_out;
pub use name_seat_two::name_seat_two;
pub use open_stream::open_stream;
pub use public_info::public_info;
pub use receipt::move_marks;
pub use register::{Registration, register};
pub use reserve::{RESERVED_FOR, reserve};
pub use return_code::new_return_code;
pub use send::{SendRequest, send};
pub use sessions::{end_session, sessions};
pub use typing::typing;

/// For requests with a session: a chat that does not exist has no sessions, so its token is invalid.
fn of_session(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::NotFound => Refusal::NoSession,
        other => other,
    }
}
