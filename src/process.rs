//! Limits that the process sets for itself.

use std::{fs, io};

use rustix::process::{Resource, Rlimit, setrlimit};

/// Which memory goes into a core dump that the kernel pipes to a program
/// (`Documentation/filesystems/proc.rst`): none. The size limit below does not apply to piped dumps.
const COREDUMP_FILTER: &str = "/proc/self/coredump_filter";

/// Keeps texts and tokens out of core dumps: no file is written, and a piped dump contains no memory.
///
/// # Errors
/// The operating system's error.
pub fn keep_memory_out_of_core_files() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    fs::write(COREDUMP_FILTER, "0")
}
