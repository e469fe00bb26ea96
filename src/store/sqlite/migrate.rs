//! The tables, brought up to date.

use std::error::Error;

use rusqlite::Connection;
use tracing::info;

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Brings the tables up to date. All that is missing and the record of it are one transaction, so
/// that a process that is killed in the middle leaves the file as it was. A file that a newer duet has
/// migrated is served as it is (see `migrations/README.md`).
///
/// # Errors
/// What SQLite says, and what may be the cause.
pub(super) fn migrate(writer: &mut Connection) -> Result<(), String> {
    let runner = embedded::migrations::runner()
        .set_abort_missing(false)
        .set_grouped(true);
    let done = match runner.run(writer) {
        Ok(done) => done,
        // Another process may have been quicker: then there is nothing left to do.
        Err(_) => runner.run(writer).map_err(|error| explained(&error))?,
    };
    let applied = done.applied_migrations();
    if let Some(last) = applied.last() {
        let (steps, version) = (applied.len(), last.version());
        info!(steps, version, "the tables were brought up to date");
    }
    Ok(())
}

/// SQLite's own words, without the migration's text.
fn explained(error: &refinery::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(rusqlite::Error::SqlInputError { msg, .. }) = error.downcast_ref() {
            return format!(
                "its tables cannot be made: {msg}. It may be another program's database"
            );
        }
        cause = error.source();
    }
    error.to_string()
}
