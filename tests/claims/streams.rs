//! The stream of server-sent events: how it begins, that it misses nothing and repeats nothing,
//! what it tells beside messages, and how it ends.

mod clients;
mod opening;
mod presence;
mod receipts;
mod replay;
mod seats;
