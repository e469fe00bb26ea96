//! Files that settings and commands name.

use std::{fs, io, path::Path};

/// Reads a text.
///
/// # Errors
/// As [`check`], and what is wrong with reading it.
pub fn read(path: &Path) -> io::Result<String> {
    check(path)?;
    fs::read_to_string(path)
}

/// Refuses what is no file: a named pipe would be waited for, at SIGHUP as well, and a device may have no end.
///
/// # Errors
/// That, or that there is nothing of this name.
pub fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path)?.is_file() {
        true => Ok(()),
        false => Err(io::Error::other(
            "it is a folder, a pipe or a device, where a file is needed",
        )),
    }
}
