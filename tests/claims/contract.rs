//! The API, row by row: what every path answers when all is well, and every status of the
//! table on every path where it can occur.

mod conflicts;
mod defects;
mod example;
mod headers;
mod messages;
mod paths;
mod precedence;
mod refusals;
mod registration;
mod requests;
mod seats;
mod unavailable;

pub use registration::moment;
