//! duet: a private chat between two people who share a link.
//!
//! The decisions are in the `actors` crate, the pages in `views`. Here is what connects them to
//! the world, in reading order: [`cli`] reads the command, [`config`] the settings; [`app`] puts
//! the adapters of [`store`] and [`bus`] under the actors and the API and the pages of [`http`] before them;
//! [`reload`] reads again what may change meanwhile, [`shutdown`] takes it all down in order.
//! [`telemetry`] watches, [`tls`] keeps others from listening, [`process`] asks the system for what the
//! process itself needs, `words` counts things in sentences, `escaping` tames texts for files, `files` refuses what is none. [`encryption`] is a client's part: the server never has the keys.

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
