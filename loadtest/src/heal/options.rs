//! What a run of `heal` is told to do; the field comments are the command line's help.

use std::path::PathBuf;

use clap::Args;

use crate::options::at_least_one;

/// Options of `heal`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The program under test. Without it, the `duet` that lies beside this tool.
    #[arg(long, value_name = "PATH")]
    pub duet: Option<PathBuf>,

    /// Live chats, both people's streams open at different instances.
    #[arg(long, default_value_t = 2000, value_parser = at_least_one, value_name = "N")]
    pub pairs: usize,

    /// Chats in which a message is lost at each try; in all of them unless told otherwise.
    #[arg(long, value_parser = at_least_one, value_name = "N")]
    pub messages: Option<usize>,

    /// Tries of each fault.
    #[arg(long, default_value_t = 20, value_parser = at_least_one, value_name = "N")]
    pub tries: usize,

    /// Fail (exit code 1) when one of them took more than two seconds, or half of them more than one.
    #[arg(long)]
    pub check: bool,
}
