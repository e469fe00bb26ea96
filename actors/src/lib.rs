//! What duet decides: no HTTP, no SQL, no Redis.
//!
//! In reading order: a request finds its chat's [`Pair`] through the [`PairRegistry`]. The pair hands messages to
//! the journal, which commits those of many pairs together. A stored message goes to the pair's open streams and,
//! over the bus, to the relay of every other instance. Deferred writes store what may be a moment late, and the
//! sweeper ends expired chats. All of these are [`tasks`]: [`instance`] starts them, and [`supervision`] restarts
//! them when they fail. They share the [`environment`]. [`domain`] has the types, [`ports`] the traits of the store,
//! the bus and the clock.
//!
//! Imports go one way: `instance` → `registry` and the tasks that talk to pairs → `pair` → `environment` → the
//! tasks that pairs use → `ports` → `domain`. A pair knows its registry as a [`RegistryHandle`],
//! and a lane of the journal hands what it has committed to a function that it is run with.

pub mod domain;
pub mod ports;

mod environment;
mod instance;
mod limits;
pub mod metrics;
mod pair;
mod refusal;
mod registry;
mod supervision;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;

pub use environment::World;
pub use instance::start;
pub use limits::Limits;
pub use metrics::Metrics;
pub use pair::*;
pub use refusal::{Credential, Refusal, Replacement};
pub use registry::PairRegistry;
pub use supervision::Tasks;
pub use tasks::journal::Sent;
