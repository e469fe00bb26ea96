//! duet: a private chat between two people who share a link.
//!
//! The decisions are in the `actors` crate, the pages in `views`. Here is what connects them to the world, in reading order:
//! [`cli`] reads the command, [`config`] the settings; [`app`] puts the adapters of [`store`] and [`bus`] under the actors and
//! the API and the pages of [`http`] before them; [`reload`] reloads what can change at run time, [`shutdown`] stops everything
//! in order. [`telemetry`] sets up logging, [`tls`] connects to the servers over TLS, [`process`] sets limits of the process,
//! `words` formats numbers with nouns, `escaping` escapes texts for files, `files` reads files that settings name. [`encryption`]
//! is the client's side: the server never has the keys.

pub mod cli;
pub mod config;

pub mod app;
pub mod reload;
pub mod shutdown;
pub mod telemetry;

pub mod http;

pub mod encryption;

pub mod bus;
pub mod store;
pub mod tls;

mod escaping;
mod files;
pub mod process;
mod words;
