//! The traits of the store, the bus and the clock. The adapters are in the server; each must pass the suite in
//! `testing` named after its port.

mod access;
mod asking;
mod bus;
mod clock;
mod inbox;
mod page;
mod store;

pub use access::{Access, By, Lookup, Position};
pub use asking::{AnswerOutcome, AskAnswer, AskState, NewAsk, Replaced, StoredAsk};
pub use bus::{Bus, BusError, BusMembership, BusState, Notice};
pub use clock::{Clock, SystemClock};
pub use inbox::{Inbox, MissedChats};
pub use page::{HistoryPage, PAGE_BYTES_MAX};
pub use store::{
    Appended, BatchResult, ChatRoom, Chats, Claim, Claimed, DeferredWrite, EndOutcome, Messages,
    NewChat, NewSession, Peer, Proof, Registered, Seats, SessionChoice, Store, StoreError, Upkeep,
    batch_result,
};
