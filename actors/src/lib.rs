//! What duet decides: no HTTP, no SQL, no Redis.
//!
//! In reading order: a request finds its chat's [`Pair`] through the [`PairRegistry`]; the pair
//! hands messages to the journal, which commits those of many pairs together; what is stored
//! reaches the pair's open streams and, over the bus, the relay of every other instance. Deferred
//! writes take what may be stored a moment later, and the sweeper ends chats that have expired. All
//! these are [`tasks`]; [`instance`] starts them and [`supervision`] starts them again. What all of
//! them are given is the [`environment`]. [`domain`] holds the words, [`ports`] what is needed of the
//! world.
//!
//! Imports go one way: `instance` → `registry` and the tasks that talk to pairs → `pair` →
//! `environment` → the tasks that pairs use → `ports` → `domain`. A pair knows its registry as a
//! [`Keeper`](pair::Keeper), the journal knows it as a
//! [`CommitListener`](tasks::journal::CommitListener).

pub mod domain;
pub mod ports;

mod environment;
mod instance;
pub mod metrics;
mod pair;
mod refusal;
mod registry;
mod supervision;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;

pub use environment::{Limits, World};
pub use instance::start;
pub use metrics::Metrics;
pub use pair::{
    Answer, AskIn, AskStanding, AskStateOf, Attach, Attached, Detach, DeviceCode, EndChat,
    EndSession, Glance, Glanced, History, LoggedIn, Login, LoginProof, Logout, Look, NameSeatTwo,
    NewReturnCode, OpenStream, Opened, Pair, Receipt, ReplacedBy, SeatOf, SendMessage, Sessions,
    StreamId, Typing,
};
pub use refusal::{CameWith, Refusal, WasReplaced};
pub use registry::PairRegistry;
pub use supervision::Tasks;
pub use tasks::journal::Sent;
