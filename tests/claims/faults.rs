//! What was acknowledged reaches both people once and in order, and stands in the history, whatever
//! is killed, stopped, cut off or deaf: a cluster of two instances on a PostgreSQL and a Redis of its
//! own for every claim, both people's streams open at different instances.
//!
//! Where it matters nobody sends anything after the fault, so that what was lost on the way must be
//! found without the help of a further message.

mod scene;

mod clocks;
mod ended_sessions;
mod instances;
mod postgres;
mod redis;
mod without_redis;

pub use without_redis::Case;
