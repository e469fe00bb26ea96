//! Claims about the actors, made through the registry alone, and the suites on what keeps to
//! memory.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod access;
mod adapters;
mod asks;
mod crashes;
mod ending;
mod failover;
mod instances;
mod journal;
mod limits;
mod lost_notices;
mod model;
mod presence;
mod receipts;
mod replay;
mod rest;
mod seats;
mod stale_copies;
mod streams;
mod tasks;
mod world;
