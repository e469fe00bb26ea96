//! What tests stand on: a clock that is moved by hand, a store and a bus in memory that fail on
//! demand, and one suite per port which every adapter must pass.

use std::{any::Any, sync::Arc};

use crate::ports::{Bus, Store};

pub mod bus_suite;
mod clock;
mod memory_bus;
mod memory_store;
mod samples;
pub mod store_suite;
mod wait;

pub use clock::{FakeClock, FaultyClock, Stopped};
pub use memory_bus::{BusCall, MemoryBus, MemoryHub};
pub use memory_store::{Call, Hold, MemoryStore};
pub use samples::{claim, digest, key, new_chat};
pub use wait::{eventually, eventually_some};

/// A fresh, empty store or bus under test, as two instances see it.
pub struct Instances<T: ?Sized> {
    /// That of one instance.
    pub here: Arc<T>,
    /// That of another instance; of a store that only one can have, the same object.
    pub there: Arc<T>,
    _kept: Box<dyn Any>,
}

/// Two instances' stores on the same data.
pub type Stores = Instances<dyn Store>;
/// Two instances' ends of one bus, which nobody listens to yet.
pub type Buses = Instances<dyn Bus>;

impl<T: ?Sized> Instances<T> {
    /// Of two instances. `kept` is dropped when the test is over.
    pub fn new(here: Arc<T>, there: Arc<T>, kept: impl Any) -> Self {
        Self {
            here,
            there,
            _kept: Box::new(kept),
        }
    }
}
