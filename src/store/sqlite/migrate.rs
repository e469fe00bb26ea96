//! Migrates the tables.

use std::error::Error;

use rusqlite::Connection;
use tracing::info;

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Migrates the tables. All missing migrations and their records are one transaction, so that an interrupted
/// one leaves the file unchanged. A file that a newer release has migrated is used as it is (see
/// `migrations/README.md`).
///
/// # Errors
/// SQLite's error, and a possible cause.
pub(super) fn migrate(writer: &mut Connection) -> Result<(), String> {
    let runner = embedded::migrations::runner()
        .set_abort_missing(false)
        .set_grouped(true);
    let done = match runner.run(writer) {
        Ok(done) => done,
        // Another process may have migrated it meanwhile.
        Err(_) => runner.run(writer).map_err(|error| explained(&error))?,
    };
    let applied = done.applied_migrations();
    if let Some(last) = applied.last() {
        let (steps, version) = (applied.len(), last.version());
        info!(steps, version, "the tables were brought up to date");
    }
    Ok(())
}

/// SQLite's message, without the text of the migration.
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
