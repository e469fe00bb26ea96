//! Starting, stopping, and the commands beside them.

mod commands;
mod leaving;
mod redis;
pub mod refusing;
mod running;
mod signals;
