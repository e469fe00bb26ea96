//! Limits that the process sets for itself.

use std::{fs, io};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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

/// Lets as many files be open as the system allows this process: shells and containers often begin with 1,024,
/// and each connection is one. Returns the limit.
///
/// # Errors
/// The operating system's error.
pub fn raise_open_files() -> io::Result<u64> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, most)?;
    Ok(maximum.unwrap_or(u64::MAX))
}
