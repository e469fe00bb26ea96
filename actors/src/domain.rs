//! The domain types: newtypes that are parsed at the edge and trusted inside.

mod chat;
mod device;
mod encryption;
mod event;
mod message;
mod pair_hash;
mod sealed_hash;
mod seat;
mod secret;
mod timestamp;
mod user_name;
mod visible;

pub use chat::{Ask, AskNumber, Caller, Chat, Lifetime, Marks, SeatState, Session, SessionId};
pub use device::{Browser, Device, System};
pub use encryption::{Encryption, LinkProof};
pub use event::{Event, Hello, Names, PeerState, SeatChange};
pub use message::{
    ClientId, Draft, IncomingText, Message, MessageText, Page, SEALED_BYTES_MAX, SEQ_NONE, Seq,
    TEXT_BYTES_MAX, TextError,
};
pub use pair_hash::{ChatKey, Fingerprint, PairHash};
pub use sealed_hash::SealedHash;
pub use seat::{BySeat, Seat};
pub use secret::{AccessCode, AskWord, CodeDigest, RegistrationId, SecretDigest, Token};
pub use timestamp::Timestamp;
pub use user_name::{NAME_CHARS_MAX, UserName};
pub use visible::is_blank;

/// Why some input is invalid: a sentence for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub &'static str);
