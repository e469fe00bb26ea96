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
/// SQLite's error, or what is wrong with the migrations in the file.
pub(super) fn migrate(writer: &mut Connection) -> Result<(), Box<dyn Error>> {
    let runner = embedded::migrations::runner()
        .set_abort_missing(false)
        .set_grouped(true);
    let done = match runner.run(writer) {
        Ok(done) => done,
        // Another process may have migrated it meanwhile.
        Err(_) => runner.run(writer).map_err(cause)?,
    };
    let applied = done.applied_migrations();
    if let Some(last) = applied.last() {
        let (steps, version) = (applied.len(), last.version());
        info!(steps, version, "the tables were brought up to date");
    }
    Ok(())
}

/// SQLite's error, without the text of the migration.
fn cause(error: refinery::Error) -> Box<dyn Error> {
    use rusqlite::Error::{SqlInputError, SqliteFailure};
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        let (code, message) = match inner.downcast_ref() {
            Some(SqliteFailure(code, message)) => (*code, message.clone()),
            Some(SqlInputError { error, msg, .. }) => (*error, Some(msg.clone())),
            _ => {
                cause = inner.source();
                continue;
            }
        };
        return Box::new(SqliteFailure(code, message));
    }
    error.into()
}
