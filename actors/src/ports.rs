//! The traits of the store, the bus and the clock. The adapters are in the server; each must pass the suite in
//! `testing` named after its port.

mod access;
mod asking;
mod bus;
mod clock;
mod inbox;
mod page;
mod store;

pub use access::*;
pub use asking::*;
pub use bus::*;
pub use clock::*;
pub use inbox::*;
pub use page::*;
pub use store::*;
