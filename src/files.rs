//! Files that settings and commands name.

use std::{fs, io, path::Path};

/// Reads a text file.
///
/// # Errors
/// As [`check`], and what is wrong with reading it.
pub fn read(path: &Path) -> io::Result<String> {
    check(path)?;
    fs::read_to_string(path)
}

/// Refuses anything but a regular file: reading a named pipe would block, at SIGHUP as well, and a device may have no
/// end.
///
/// # Errors It is not a regular file, or does not exist.
pub fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path)?.is_file() {
        true => Ok(()),
        false => Err(io::Error::other(
            "it is a folder, a pipe or a device, where a file is needed",
        )),
    }
}
