//! The API door, row by row: what every path answers when all is well, and every status of the
//! table on every path where it can occur.

mod conflicts;
mod example;
mod headers;
mod messages;
mod paths;
mod precedence;
mod refusals;
mod registration;
mod seats;
mod unavailable;

pub use registration::moment;
