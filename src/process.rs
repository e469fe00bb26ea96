//! What the process asks of the system for itself.

use std::{fs, io};

use rustix::process::{Resource, Rlimit, setrlimit};

/// Which parts of the memory go into a core file that is piped to a program, by the kernel's
/// `Documentation/filesystems/proc.rst`. The limit below does not hold for those.
const COREDUMP_FILTER: &str = "/proc/self/coredump_filter";

/// Keeps texts and tokens out of core files: none is written when the process dies, and one that is
/// piped to a program holds nothing of the memory.
///
/// # Errors
/// When the system refuses.
pub fn keep_memory_out_of_core_files() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    fs::write(COREDUMP_FILTER, "0")
}
