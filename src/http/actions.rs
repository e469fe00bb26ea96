//! What a caller can do, a file per verb: domain values in, domain values or a [`Refusal`] out.
//!
//! Both doors call these and nothing deeper. What a request looks like, and how its answer is written,
//! is the doors' own business; so is counting it against its address.

mod answer;
mod ask;
mod caller;
mod device_code;
mod end;
mod fresh_hash;
mod glance;
mod history;
mod login;
mod logout;
mod name_seat_two;
mod open_stream;
mod receipt;
mod register;
mod reserve;
mod return_code;
mod send;
mod sessions;
mod typing;

use actors::Refusal;

pub use answer::{Verdict, answer};
pub use ask::{ask, ask_state};
pub use caller::Caller;
pub use device_code::new_device_code;
pub use end::end_chat;
pub use fresh_hash::fresh_id;
pub use glance::glance;
pub use history::history;
pub use login::{login, login_and_name};
pub use logout::log_out;
pub use name_seat_two::name_seat_two;
pub use open_stream::open_stream;
pub use receipt::move_marks;
pub use register::{Registration, register};
pub use reserve::{RESERVED_FOR, reserve};
pub use return_code::new_return_code;
pub use send::{SendRequest, send};
pub use sessions::{end_session, sessions};
pub use typing::say_typing;

/// A chat that does not exist has no sessions, so its token is none.
fn of_session(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::NotFound => Refusal::NoSession,
        other => other,
    }
}
