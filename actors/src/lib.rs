//! What duet decides: no HTTP, no SQL, no Redis.
//!
//! In reading order: a request finds its chat's [`Pair`] through the [`PairRegistry`]; the pair
//! hands messages to the journal, which commits those of many pairs together; what is stored
//! reaches the pair's open streams and, over the bus, the relay of every other instance. Deferred
//! writes take what may be stored a moment later, and the sweeper ends chats that have expired. All
//! these are [`tasks`], which [`instance`] watches. [`domain`] holds the words, [`ports`] what is
//! needed of the world.

pub mod domain;
pub mod ports;

mod instance;
pub mod metrics;
mod pair;
mod refusal;
mod registry;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;

pub use instance::Tasks;
pub use metrics::Metrics;
pub use pair::{
    Answer, AskIn, AskStanding, AskStateOf, Attach, Attached, Detach, DeviceCode, EndChat,
    EndSession, Glance, Glanced, History, LoggedIn, Login, LoginProof, Logout, Look, NameSeatTwo,
    NewReturnCode, OpenStream, Opened, Pair, Receipt, ReplacedBy, SeatOf, SendMessage, Sent,
    Sessions, StreamId, Typing,
};
pub use refusal::{CameWith, Refusal, WasReplaced};
pub use registry::{Limits, PairRegistry, World};
