//! Commands that start servers of their own, over the `duet` of the same build.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod cluster;
mod commands;
mod torture;

use std::{env, path::PathBuf};

/// The server that Cargo builds into the folder above this program's own: `cargo build` or a test run of the whole
/// workspace has made it.
fn duet() -> PathBuf {
    let this = env::current_exe().unwrap();
    this.ancestors().nth(2).unwrap().join("duet")
}
