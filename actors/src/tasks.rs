//! The background tasks of an instance. [`supervision`](crate::supervision) restarts them when they fail.

pub(crate) mod comparing;
pub(crate) mod deferred_writes;
pub(crate) mod journal;
pub(crate) mod lease;
pub(crate) mod peers;
pub(crate) mod relay;
pub(crate) mod session_checks;
pub(crate) mod sweeper;
