//! Starting, stopping, and the commands beside them.

mod commands;
mod doctor;
mod encrypting;
mod environment;
mod exits;
mod files;
mod leaving;
mod redis;
pub mod refusing;
mod running;
mod signals;
