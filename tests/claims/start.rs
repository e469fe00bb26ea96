//! Starting, stopping, and the commands beside them.

mod commands;
mod leaving;
mod refusing;
mod running;
