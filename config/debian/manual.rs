//! Writes the man pages and the shells' completions for the Debian package, made from the command line itself:
//! `cargo run --example manual -- FOLDER`.

use std::{fs, io, path::Path};

use clap::CommandFactory;
use clap_complete::{Shell, generate_to};
use duet::cli::Cli;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1);
    let folder = folder.ok_or_else(|| io::Error::other("name the folder to write to"))?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut Cli::command(), "duet", folder)?;
    }
    Ok(())
}
