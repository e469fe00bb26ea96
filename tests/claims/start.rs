//! Starting, stopping, and the commands beside them.

mod commands;
mod refusing;
mod running;
