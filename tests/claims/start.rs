//! Starting, stopping, and the commands beside them.

mod commands;
mod leaving;
pub mod refusing;
mod running;
mod signals;
