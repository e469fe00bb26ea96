//! What duet decides: no HTTP, no SQL, no Redis.
//!
//! In reading order: a request finds its chat's [`Pair`] through the [`Directory`]; the pair
//! hands messages to the [`Journal`], which makes them durable, many pairs' at once; what is
//! stored reaches the pair's open streams and, over the bus, the [`relay`] of every other
//! instance. [`notes`] take what may be stored a moment later, and the [`sweeper`] ends what is
//! over; these run as tasks, which [`instance`] watches. [`domain`] holds the words, [`ports`] what
//! is needed of the world.

pub mod domain;
pub mod ports;

mod directory;
mod instance;
mod journal;
mod lease;
pub mod metrics;
mod notes;
mod pair;
mod peers;
mod refusal;
mod relay;
mod session_checks;
mod sweeper;
#[cfg(feature = "testing")]
pub mod testing;

pub use directory::{Directory, Limits, World};
pub use instance::Tasks;
pub use metrics::Metrics;
pub use pair::{
    Answer, AskIn, AskStanding, AskStateOf, Attach, Attached, Detach, DeviceCode, EndChat,
    EndSession, Glance, Glanced, History, LoggedIn, Login, LoginProof, Logout, Look, NameSeatTwo,
    NewReturnCode, OpenStream, Opened, Pair, Receipt, ReplacedBy, SeatOf, Send, Sent, Sessions,
    StreamId, Typing,
};
pub use refusal::{CameWith, Refusal, WasReplaced};
