//! What tests stand on: a clock that is moved by hand, a store and a bus in memory that fail on
//! demand, and one suite per port which every adapter must pass.

pub mod bus_suite;
mod clock;
mod memory_bus;
mod memory_store;
pub mod store_suite;
mod wait;

pub use bus_suite::Buses;
pub use clock::{FakeClock, FaultyClock, Stopped};
pub use memory_bus::{BusCall, MemoryBus, MemoryHub};
pub use memory_store::{Call, Hold, MemoryStore};
pub use store_suite::Stores;
pub use wait::{eventually, eventually_some};
