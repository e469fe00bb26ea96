//! What the actors need of the world. The adapters live in the server; each must pass the suite
//! in `testing` that is named after its port.

mod access;
mod bus;
mod clock;
mod inbox;
mod page;
mod store;

pub use access::{Access, By, Lookup, Position};
pub use bus::{Bus, BusError, BusState, Notice, RollCall};
pub use clock::{Clock, SystemClock};
pub use inbox::{Inbox, Missed};
pub use page::{HistoryPage, PAGE_BYTES_MAX};
pub use store::{
    Answered, Appended, AskFound, AskState, ChatRoom, Claim, Claimed, Ending, NewAsk, NewChat,
    NewSession, Note, Peer, Proof, Registered, Replaced, SessionChoice, Store, StoreError, Verdict,
};
