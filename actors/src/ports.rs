//! What the actors need of the world. The adapters live in the server; each must pass the suite
//! in `testing` that is named after its port.

mod bus;
mod clock;
mod store;

pub use bus::{Bus, BusError, BusEvent, Notice};
pub use clock::{Clock, SystemClock};
pub use store::{
    Answered, Appended, AskState, Claim, Claimed, Ending, HistoryPage, Lookup, NewAsk, NewChat,
    NewSession, Note, PAGE_BYTES_MAX, Proof, Registered, SessionChoice, Store, StoreError,
};
