//! The domain types: newtypes that are parsed at the edge and trusted inside.

/// Types that print their name alone: what they hold must never reach a log.
macro_rules! debug_by_name {
    ($($type:ident),+) => {$(
        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(stringify!($type))
            }
        }
    )+};
}

mod activity;
mod chat;
mod device;
mod encryption;
mod event;
mod message;
mod pair_hash;
mod position;
mod sealed_hash;
mod seat;
mod secret;
mod timestamp;
mod user_name;
mod visible;

pub use activity::*;
pub use chat::*;
pub use device::*;
pub use encryption::*;
pub use event::*;
pub use message::*;
pub use pair_hash::*;
pub use position::*;
pub use sealed_hash::*;
pub use seat::*;
pub use secret::*;
pub use timestamp::*;
pub use user_name::*;
pub use visible::*;

/// Why some input is invalid: a sentence for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub &'static str);
