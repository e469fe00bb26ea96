//! What the actors need of the world. The adapters live in the server; each must pass the suite
//! in `testing` that is named after its port.

mod access;
mod asking;
mod bus;
mod clock;
mod inbox;
mod page;
mod store;

pub use access::{Access, By, Lookup, Position};
pub use asking::{Answered, AskFound, AskState, NewAsk, Replaced, Verdict};
pub use bus::{Bus, BusError, BusState, Notice, RollCall};
pub use clock::{Clock, SystemClock};
pub use inbox::{Inbox, Missed};
pub use page::{HistoryPage, PAGE_BYTES_MAX};
pub use store::{
    Appended, ChatRoom, Chats, Claim, Claimed, DeferredWrite, Each, Ending, Messages, NewChat,
    NewSession, Peer, Proof, Registered, Seats, SessionChoice, Store, StoreError, Upkeep, for_each,
};
