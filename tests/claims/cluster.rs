//! Any number of instances behind the project's own proxy configurations, with the real proxies.

mod paths;
mod rolling;
mod split;
mod through;
pub mod traffic;
