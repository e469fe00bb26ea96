//! Explains to operators why a file cannot be used, with the next step.

use std::{
    error::Error,
    io::{self, ErrorKind},
    path::{Path, absolute},
};

use rusqlite::ErrorCode;

use crate::store::OpenError;

impl OpenError {
    /// Names the absolute path: a relative one depends on the working directory.
    pub(super) fn file(path: &Path, error: &(dyn Error + 'static)) -> Self {
        let whole = absolute(path).unwrap_or_else(|_| path.to_owned());
        Self::wrong(format!(
            "{} cannot be used: {error}. {}",
            whole.display(),
            next_step(error)
        ))
    }
}

fn next_step(error: &(dyn Error + 'static)) -> &'static str {
    let of_sqlite = error.downcast_ref::<rusqlite::Error>();
    let code = of_sqlite.and_then(rusqlite::Error::sqlite_error_code);
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    match (code, kind) {
        (Some(ErrorCode::DiskFull), _)
        | (_, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded)) => "Make room on its disk.",
        (Some(ErrorCode::DatabaseCorrupt), _) => "Restore a backup: docs/operations.md says how.",
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => {
            "Another program keeps it locked: stop that one."
        }
        (Some(ErrorCode::NotADatabase), _) => "Name another file with store.url.",
        _ => "Check store.url and the permissions of its folder.",
    }
}
