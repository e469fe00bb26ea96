//! What the system lets this process have.

use rustix::{
    io,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// Lets this process open as many files as the system allows it to: a shell's own limit is often 1024, and every stream
/// is an open file.
///
/// # Errors
/// What the system says.
pub fn raise_open_files() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
}
