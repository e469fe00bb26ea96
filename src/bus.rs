//! The courier between instances.

mod local;

pub use local::{Hub, LocalBus};
