//! Claims about the running system: the real program is started, and asked over the network alone.
//!
//! Every test has a server and a data folder of its own, so they run side by side. None of them
//! sleeps for a fixed time: what takes a while is waited for, with a deadline.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it"
)]

mod support;

mod contract;
mod input;
mod seats;
mod streams;

mod access;
mod attacks;
mod cluster;
mod deletion;
mod durability;
mod edge;
mod encryption;
mod ending;
mod faults;
mod framing;
mod http2;
mod instances;
mod limits;
mod postgres;
mod tls;
mod upgrade;

mod pages;

mod documents;
mod examples;

mod operators;
mod ops;
mod secrets;
mod sqlite;
mod start;
