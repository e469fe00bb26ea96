//! The work of an instance that goes on beside requests. [`supervision`](crate::supervision)
//! starts these tasks again when they fail.

pub(crate) mod comparing;
pub(crate) mod deferred_writes;
pub(crate) mod journal;
pub(crate) mod lease;
pub(crate) mod peers;
pub(crate) mod relay;
pub(crate) mod session_checks;
pub(crate) mod sweeper;
