//! End-to-end encrypted chats: what the server takes and refuses, what it never learns, and what a
//! client notices of a server that lies.

mod api;
mod decrypt;
mod people;
mod unknown;
mod ways_back;

pub use people::Encrypted;
